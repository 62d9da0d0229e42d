package experiment

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"cometbench/internal/agent"
	"cometbench/internal/proctree"
	"cometbench/results"
	"cometbench/results/bottleneck"
	"cometbench/testbed"
)

// usage is what an experiment has used so far.
type usage struct {
	broker     agent.Usage
	subscriber agent.Usage   // zero where it isn't ours
	audience   time.Duration // processor time of all subscribers but the first
	ours       time.Duration // processor time of broker and subscriber, as far as they are ours
}

// usage asks the broker, when it has nothing to do, for what it has used, and the
// subscriber where it is our own. The peak of their memory begins anew.
func (x *Experiment) usage(ctx context.Context) (*usage, error) {
	sum := new(usage)
	if x.broker == nil {
		return sum, nil
	}
	var err error
	if sum.broker, err = x.usageOf(ctx, x.broker); err != nil {
		return nil, err
	}
	if x.subject.ours(testbed.Broker) {
		sum.ours += sum.broker.CPU
	}
	if x.subscriber != nil && x.subject.ours(testbed.Subscriber) {
		if sum.subscriber, err = x.usageOf(ctx, x.subscriber); err != nil {
			return nil, err
		}
		sum.ours += sum.subscriber.CPU
	}
	if x.audience != nil {
		audience, err := x.usageOf(ctx, x.audience)
		if err != nil {
			return nil, err
		}
		sum.audience = audience.CPU
		sum.ours += audience.CPU
	}
	return sum, nil
}

func (x *Experiment) usageOf(ctx context.Context, p testbed.Process) (agent.Usage, error) {
	at := p.Address()
	return ask[agent.Usage](ctx, p, nil, "usage", "-settled", "-reset-peak", "-pid", strconv.Itoa(at.PID),
		"-holders", strconv.Itoa(at.Holders))
}

// since returns what was used in a batch. Where author and broker are apart, the
// author tells of its own machine only.
func (u *usage) since(before *usage, author agent.AuthorReport, apart bool) results.Usage {
	sum := results.Usage{
		Author:      roleUsage(author.Before, author.After),
		Broker:      roleUsage(before.broker, u.broker),
		Subscriber:  roleUsage(before.subscriber, u.subscriber),
		Audience:    u.audience - before.audience,
		ListenDrops: u.broker.Network.Sub(before.broker.Network).ListenDrops,
		Retransmits: author.Network.RetransSegs,
		Machine:     machineUsage(author.Machine),
	}
	if apart {
		machine := machineUsage(author.Machine)
		sum.AuthorMachine, sum.Machine = &machine, machineUsage(u.broker.Machine.Since(before.broker.Machine))
	}
	sum.Author.CPU = author.CPU // that of sending alone
	sum.SetForeign()
	return sum
}

func machineUsage(m agent.Machine) results.MachineUsage {
	return results.MachineUsage{
		Cores: m.Cores, Elapsed: m.Elapsed, Busy: m.Busy(), Idle: m.Idle, Steal: m.Steal, Nice: m.Nice,
	}
}

func roleUsage(before, after agent.Usage) results.RoleUsage {
	ran, waited := proctree.Busiest(before.Threads, after.Threads)
	return results.RoleUsage{
		CPU: after.CPU - before.CPU, Ran: ran, Waited: waited,
		Throttled: after.Throttled - before.Throttled, PeakRSS: after.PeakRSS, Processors: after.Processors,
		Container: after.Container,
	}
}

// judge says what limited the run. Of a figure that is the author's or the
// machine's limit it warns.
func (x *Experiment) judge() {
	x.run.Usage.SetForeign()
	x.run.Bottleneck = bottleneck.Of(&x.run)
	if x.run.Bottleneck.Doubtful() {
		x.warn("%s", x.run.Bottleneck)
	}
}

// noteSubscriber notes what a subscriber that isn't ours has used in the
// experiment: its files were copied when it was ready, and when it had got the
// last event, and say so.
func (x *Experiment) noteSubscriber() error {
	if x.subject.ours(testbed.Subscriber) {
		return nil
	}
	before, err := x.subscriberUsage(x.folder("ready"))
	if err != nil {
		return err
	}
	after, err := x.subscriberUsage(x.folder(testbed.Subscriber))
	if err != nil {
		return err
	}
	x.run.Usage.Subscriber = roleUsage(before, after)
	return nil
}

// noteUnread notes what the subscriber had not yet read when its files were copied
// for the first time. What can't be read is an error of noteSubscriber.
func (x *Experiment) noteUnread() {
	if files, err := processes(x.folder(testbed.Subscriber)); err == nil {
		x.run.Usage.Unread = files.Unread()
	}
}

// subscriberUsage reads what a subscriber that isn't ours had used when its files
// were copied into a folder.
func (x *Experiment) subscriberUsage(dir string) (agent.Usage, error) {
	files, err := processes(dir)
	if len(files) == 0 || err != nil {
		return agent.Usage{}, err
	}
	at := x.subscriber.Address()
	return agent.UsageOf(files, at.PID, at.Holders)
}

// processes reads what the processes of a container said when its files were
// copied into a folder. It is empty where there was no room to write it.
func processes(dir string) (proctree.Files, error) {
	text, err := os.ReadFile(filepath.Join(dir, testbed.ProcessesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return proctree.ParseFiles(string(text))
}
