package experiment

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"

	"cometbench/author"
	"cometbench/images"
	"cometbench/matrix"
	"cometbench/subject"
	"cometbench/testbed"
)

// Subject is a broker to be measured that is ready to be started.
type Subject struct {
	// Subject is what was asked for. Its label is whole: cells and folders are
	// named by it.
	subject.Subject
	Software subject.Software
	image    *images.Image // nil where it isn't a Comet
	// contained runs the embedded broker in a container, where author and broker are
	// on two engines, and delayedInside does
	// so in cells with latency: where this machine can't delay what a process
	// sends.
	contained, delayedInside bool
}

// Prepare makes a broker ready to be measured: its image is built if the engine
// doesn't have it. Public consents to sending test events to a broker of
// somebody else whose address isn't private.
func Prepare(ctx context.Context, bed *testbed.Testbed, b subject.Subject, public bool) (*Subject, error) {
	s := &Subject{Subject: b, contained: bed.Apart(), delayedInside: runtime.GOOS != "linux"}
	switch b.Kind {
	case subject.Embedded:
	case subject.Remote:
		if public {
			break
		}
		if err := author.CheckPrivate(ctx, b.Path); err != nil {
			return nil, fmt.Errorf("broker %s: %w", b.Name, err)
		}
	case subject.Foreign:
		id, err := bed.FindImage(ctx, b.Path)
		if err != nil {
			return nil, fmt.Errorf("broker %s: %w", b.Name, err)
		}
		s.Software.Image = id
	default:
		im, err := bed.Image(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("broker %s: %w", b.Name, err)
		}
		s.image, s.Subject, s.Software = im, im.Subject, im.Software
	}
	return s, nil
}

// Same reports whether two subjects are one program, started alike: a difference
// between them can only be chance.
func (s *Subject) Same(other *Subject) bool {
	ours, _ := s.broker("")
	theirs, _ := other.broker("")
	return s.installed() != "" && s.installed() == other.installed() && slices.Equal(ours.Command, theirs.Command)
}

// installed returns a digest of what runs, "" where nobody knows it.
func (s *Subject) installed() string {
	if s.Kind == subject.Foreign {
		return s.Software.Image
	}
	return s.Software.Installed
}

// inContainers reports whether the subject's runs of a cell are made in
// containers of the engine.
func (s *Subject) inContainers(c matrix.Cell) bool {
	return s.IsComet() || s.Kind == subject.Foreign || s.contained || s.delayedInside && c.Latency > 0
}

// keepsEvents reports whether a role has an event database that can be read. A
// broker that somebody else runs is sent events, and nothing more; of an image
// that isn't a Comet's nobody knows where its database is.
func (s *Subject) keepsEvents(role string) bool {
	switch s.Kind {
	case subject.Remote:
		return false
	case subject.Foreign:
		return role == testbed.Subscriber
	}
	return true
}

// ours reports whether a role is played by our own command.
func (s *Subject) ours(role string) bool {
	return s.Kind == subject.Embedded || s.Kind == subject.Foreign && role == testbed.Subscriber
}

// broker returns the broker's role, if there is one to be started. One of ours
// listens on host, at ports that the system chooses.
func (s *Subject) broker(host string) (role testbed.Role, ok bool) {
	role.Name = testbed.Broker
	switch s.Kind {
	case subject.Remote:
		return role, false
	case subject.Embedded:
		any := net.JoinHostPort(host, "0")
		role.Command = []string{"broker", "-receive", any, "-broadcast", any, "-eventdb", "."}
	case subject.Foreign:
		// The image that was found at first, whatever its name means by now.
		role.Image = s.Software.Image
	default:
		role.Image, role.Command = s.image.ID, s.image.Dialect.BrokerCommand(s.Subject, ".", testbed.LogFile)
	}
	return role, true
}

// subscriber returns the role of a subscriber to the broker on host, at the
// address broadcast.
func (s *Subject) subscriber(host, broadcast string) testbed.Role {
	role := testbed.Role{Name: testbed.Subscriber}
	if s.ours(testbed.Subscriber) {
		role.Command = []string{"subscriber", "-remote", broadcast, "-eventdb", "."}
		return role
	}
	role.Image, role.Command = s.image.ID, s.image.Dialect.SubscriberCommand(host, ".", testbed.LogFile)
	return role
}
