package testbed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"cometbench/netem"
	"cometbench/subject"
	"cometbench/vtp"
)

// local is a site of processes of this machine: our own broker and subscriber
// over loopback, or none where the broker is somebody else's. Where there is latency to add, the author has a network
// namespace of its own, behind a veth pair from the one of the broker.
type local struct {
	executable string // our command
	plan       runPlan
	pair       *netem.Pair // nil without latency
	processes  map[part]*process
	delaying   *process
	remote     bool   // the broker is somebody else's
	receive    string // the broker's addresses
	broadcast  string
	deaths     chan error
}

func newLocal(t *Testbed, s *Subject, plan runPlan) (*local, error) {
	l := &local{
		executable: t.command, plan: plan,
		processes: make(map[part]*process),
		deaths:    make(chan error, 3),
	}
	switch s.Broker.Kind {
	case subject.Embedded:
	case subject.Remote:
		l.remote, l.receive = true, s.Broker.Path
	default:
		return nil, fmt.Errorf("broker %s doesn't run without containers", s.Broker.Name)
	}
	for _, p := range []part{brokerPart, subscriberPart, authorPart} {
		if err := os.Mkdir(l.dir(p), 0o700); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *local) dir(p part) string { return filepath.Join(l.plan.scratch, "site-"+string(p)) }

func (l *local) authorDir() string  { return l.dir(authorPart) }
func (l *local) brokerAddr() string { return l.receive }
func (l *local) pinned() string     { return "" }
func (l *local) died() <-chan error { return l.deaths }

func (l *local) prepare(ctx context.Context) (err error) {
	if l.plan.cell.Latency > 0 {
		l.pair, err = netem.NewPair(ctx, l.executable)
	}
	return err
}

func (l *local) start(ctx context.Context, p part) error {
	switch {
	case l.remote:
		return nil
	case p == brokerPart:
		return l.startBroker(ctx)
	case p == subscriberPart:
		cmd := l.brokerSide("subscriber", "-stdin", "-remote", l.broadcast, "-eventdb", l.dir(p))
		return l.launch(p, cmd)
	}
	return nil // the author's place is there without a process of its own
}

func (l *local) startBroker(ctx context.Context) error {
	host, receive, broadcast := "127.0.0.1", 0, 0
	if l.pair != nil {
		host, receive, broadcast = l.pair.BrokerAddr.String(), vtp.DefaultPort, vtp.BroadcastPort
	}
	cmd := l.brokerSide("broker", "-stdin", "-eventdb", l.dir(brokerPart),
		"-receive", net.JoinHostPort(host, strconv.Itoa(receive)),
		"-broadcast", net.JoinHostPort(host, strconv.Itoa(broadcast)))
	if err := l.launch(brokerPart, cmd); err != nil {
		return err
	}
	line, err := l.processes[brokerPart].line(ctx)
	if err != nil {
		return err
	}
	var listening struct{ Receive, Broadcast string }
	if err := json.Unmarshal(line, &listening); err != nil {
		return fmt.Errorf("broker printed %.100q: %w", line, err)
	}
	l.receive, l.broadcast = listening.Receive, listening.Broadcast
	return nil
}

// brokerSide makes a command of ours where broker and subscriber run,
// authorSide where the author runs.
func (l *local) brokerSide(args ...string) *exec.Cmd {
	if l.pair == nil {
		return exec.Command(l.executable, args...)
	}
	return l.pair.BrokerCommand(context.Background(), l.executable, args...)
}

func (l *local) authorSide(args ...string) *exec.Cmd {
	if l.pair == nil {
		return exec.Command(l.executable, args...)
	}
	return l.pair.AuthorCommand(context.Background(), l.executable, args...)
}

func (l *local) launch(p part, cmd *exec.Cmd) error {
	process, err := launch(string(p), cmd, l.deaths)
	if err != nil {
		return err
	}
	l.processes[p] = process
	return nil
}

func (l *local) command(ctx context.Context, stdout, stderr io.Writer, args ...string) error {
	cmd := l.authorSide(args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	bindToParent(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("cometbench %s: %w", args[0], err)
		}
		return nil
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), stop(cmd.Process, ended))
	}
}

func (l *local) delay(ctx context.Context, latency time.Duration) (string, error) {
	cmd := l.authorSide("delay", "-interface", l.pair.Interface,
		"-latency", latency.String(), "-netem", string(l.plan.netem))
	process, err := launch("delay", cmd, l.deaths)
	if err != nil {
		return "", err
	}
	l.delaying = process
	return readReady(ctx, process.line)
}

func (l *local) undelay(ctx context.Context) (netem.Stats, error) {
	l.delaying.expected()
	if err := l.delaying.terminate(); err != nil {
		return netem.Stats{}, err
	}
	return readStats(ctx, l.delaying.line)
}

func (l *local) copyOut(_ context.Context, p part, dir string) error {
	entries, err := os.ReadDir(l.dir(p))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyFile(filepath.Join(l.dir(p), e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (l *local) netstat(_ context.Context, p part) (string, error) {
	if l.remote {
		return "", nil
	}
	return l.processes[p].netstat()
}

func (l *local) harnessCPU(context.Context) (time.Duration, error) {
	var total time.Duration
	for _, p := range l.processes {
		d, err := p.cpu()
		if err != nil {
			return 0, err
		}
		total += d
	}
	return total, nil
}

func (l *local) close(ctx context.Context) error {
	var errs []error
	all := []*process{l.delaying, l.processes[subscriberPart], l.processes[brokerPart]}
	for _, p := range all {
		if p != nil {
			p.expected()
			errs = append(errs, p.terminate())
		}
	}
	for _, p := range all {
		if p != nil {
			errs = append(errs, p.wait(ctx))
		}
	}
	if l.pair != nil {
		errs = append(errs, l.pair.Close())
	}
	return errors.Join(errs...)
}
