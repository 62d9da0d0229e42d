// Package subject names what is measured: the embedded broker, any release or
// source tree of Comet, an image that somebody else made, or the address of a
// broker that somebody else runs.
package subject

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Newest is the name of the newest release of Comet.
const Newest = "comet-3.1.0"

// Kind is where a subject comes from.
type Kind int

const (
	// Embedded is the broker that is built into this module.
	Embedded Kind = iota
	// Release is a release of Comet on the Python registry.
	Release
	// Source is a source tree of Comet on this machine.
	Source
	// Git is a revision of a git repository of Comet.
	Git
	// Remote is a broker that somebody else runs.
	Remote
	// Foreign is a container image that somebody else made, which runs a broker
	// by itself.
	Foreign
)

// Subject is what is measured, by its name.
type Subject struct {
	// Name is what [Parse] was given.
	Name string
	// Label stands for the subject in names of benchmarks and folders. It
	// holds no slash and no space. That of a source tree is whole only with
	// a digest of its content: see [Subject.WithDigest].
	Label string
	Kind  Kind
	// Version is the release of Comet, of kind Release.
	Version string
	// Path is the folder of kind Source, the URL of kind Git, the reference
	// of kind Foreign, the address (host:port) of kind Remote.
	Path string
	// Revision is the branch, tag or commit of kind Git.
	Revision string
	// Python ("3.13") and Twisted ("24.3.0") are "" where the generation's
	// own are taken.
	Python, Twisted string
	// Arguments are further ones for a Comet, besides those that an experiment
	// gives it.
	Arguments []string
}

// IsComet reports whether the subject is a Comet, of whatever kind.
func (b Subject) IsComet() bool { return b.Kind == Release || b.Kind == Source || b.Kind == Git }

// WithDigest returns the subject with a digest of its sources in its label, so
// that two states of one folder, or of one branch, are never taken for the same.
func (b Subject) WithDigest(digest string) Subject {
	b.Label = strings.TrimSuffix(b.Label, b.choice()) + "-" + digest + b.choice()
	return b
}

// choice returns the part of the label that names a Python, a Twisted and
// arguments.
func (b Subject) choice() (suffix string) {
	if b.Python != "" {
		suffix += "+python" + b.Python
	}
	if b.Twisted != "" {
		suffix += "+twisted" + b.Twisted
	}
	return suffix + argumentsLabel(b.Arguments)
}

const wanted = "want embedded, comet-VERSION, comet@FOLDER, comet@git+URL#REVISION, tcp://HOST:PORT or image:NAME, " +
	"a Comet with +pythonVERSION or +twistedVERSION behind it if need be, and with arguments: 'comet-VERSION --option'"

var (
	version = regexp.MustCompile(`^[0-9]+(\.[0-9]+){1,3}([a-z]+[0-9]+)?$`)
	chosen  = regexp.MustCompile(`^(.*)\+(python|twisted)([0-9]+(?:\.[0-9]+){1,3})$`)
	unsafe  = regexp.MustCompile(`[^A-Za-z0-9._@+-]+`)
)

// Parse reads the name of a subject: "embedded", "comet-3.1.0",
// "comet-3.1.0+python3.13", "comet@../comet", "comet@git+https://HOST/comet#main",
// "tcp://127.0.0.1:8098", "image:my-broker:latest". Behind a Comet there may be
// arguments, from the first blank and dash on: "comet-3.1.0 --save-event", which
// [Subject.WithArguments] reads. Its errors name the value and what is allowed.
func Parse(name string) (Subject, error) {
	if i := strings.Index(name, " -"); i >= 0 {
		b, err := parse(name[:i])
		if err == nil {
			b, err = b.WithArguments(name[i:])
		}
		b.Name = name
		return b, err
	}
	return parse(name)
}

func parse(name string) (Subject, error) {
	b := Subject{Name: name}
	refuse := func(why string) (Subject, error) {
		return Subject{}, fmt.Errorf("broker %q: %s: %s", name, why, wanted)
	}
	rest := name
	for {
		m := chosen.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		field := map[string]*string{"python": &b.Python, "twisted": &b.Twisted}[m[2]]
		if *field != "" {
			return refuse(m[2] + " is given twice")
		}
		rest, *field = m[1], m[3]
	}
	switch {
	case rest == "embedded":
		b.Kind, b.Label = Embedded, rest
	case strings.HasPrefix(rest, "comet-"):
		b.Kind, b.Version = Release, strings.TrimPrefix(rest, "comet-")
		if !version.MatchString(b.Version) {
			return refuse("no version of Comet")
		}
		b.Label = rest
	case strings.HasPrefix(rest, "comet@git+"):
		b.Kind = Git
		b.Path, b.Revision, _ = strings.Cut(strings.TrimPrefix(rest, "comet@git+"), "#")
		if b.Path == "" || strings.HasPrefix(b.Path, "-") || strings.HasPrefix(b.Revision, "-") {
			return refuse("no repository")
		}
		b.Label = "comet@" + clean(strings.TrimSuffix(filepath.Base(b.Path), ".git")+"-"+b.Revision)
	case strings.HasPrefix(rest, "comet@"):
		b.Kind, b.Path = Source, strings.TrimPrefix(rest, "comet@")
		path, err := filepath.Abs(b.Path)
		if err != nil || b.Path == "" {
			return refuse("no folder")
		}
		b.Label = "comet@" + clean(filepath.Base(path))
	case strings.HasPrefix(rest, "tcp://"):
		b.Kind, b.Path = Remote, strings.TrimPrefix(rest, "tcp://")
		host, port, err := net.SplitHostPort(b.Path)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
			return refuse("no host and port")
		}
		b.Label = "tcp-" + clean(strings.ReplaceAll(b.Path, ":", "-"))
	case strings.HasPrefix(rest, "image:"):
		b.Kind, b.Path = Foreign, strings.TrimPrefix(rest, "image:")
		if b.Path == "" {
			return refuse("no image")
		}
		b.Label = "image-" + clean(strings.NewReplacer("/", "-", ":", "-").Replace(b.Path))
	default:
		return refuse("not a name of a broker")
	}
	if b.choice() != "" && !b.IsComet() {
		return refuse("Python and Twisted can be chosen for a Comet only")
	}
	b.Label += b.choice()
	return b, nil
}

// ParseList reads a comma-separated list of names. Two that have the same label
// are refused.
func ParseList(names string) ([]Subject, error) {
	var list []Subject
	for _, name := range strings.Split(names, ",") {
		b, err := Parse(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		for _, have := range list {
			if have.Label == b.Label {
				return nil, fmt.Errorf("brokers %q and %q have the same label %s: "+
					"measure them one after the other, or name their folders differently", have.Name, b.Name, b.Label)
			}
		}
		list = append(list, b)
	}
	return list, nil
}

// clean makes a word that fits into a benchmark's name and a folder's.
func clean(s string) string { return strings.Trim(unsafe.ReplaceAllString(s, "-"), "-") }
