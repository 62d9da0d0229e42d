package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"cometbench/netem"
)

// local is a backend of processes of this machine, which are our own command:
// over loopback, or with the author in a network namespace of its own behind a
// veth pair from the one of the others.
type local struct {
	executable string // our command
	dir        string
	pair       *netem.Pair // nil over loopback
	deaths     chan error
	mu         sync.Mutex
	started    []*process
}

// Local makes a backend of processes of this machine, with their files in dir.
// Apart, the author is in a network namespace of its own: what it sends can be
// delayed.
func (t *Testbed) Local(ctx context.Context, dir string, apart bool) (Backend, error) {
	l := &local{executable: t.command, dir: dir, deaths: make(chan error, deathsKept)}
	if apart {
		var err error
		if l.pair, err = netem.NewPair(ctx, l.executable); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *local) Died() <-chan error { return l.deaths }

func (l *local) Host() string {
	if l.pair == nil {
		return "127.0.0.1"
	}
	return ""
}

func (l *local) Start(_ context.Context, r Role) (Process, error) {
	if r.Image != "" || len(r.Command) == 0 {
		return nil, fmt.Errorf("start %s: image %q runs in containers only", r.Name, r.Image)
	}
	p := &process{name: r.Name, backend: l, author: r.Name == Author, dir: filepath.Join(l.dir, "role-"+r.Name)}
	if beside, ok := r.Beside.(*process); ok {
		p.author = beside.author
	}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return nil, err
	}
	// It ends when its standard input does: however this process ends, nobody
	// else holds the other end.
	args := append([]string{r.Command[0], "-stdin"}, r.Command[1:]...)
	if err := p.start(l.command(p, args), l.deaths); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = append(l.started, p)
	return p, nil
}

// command makes a command of ours beside a process.
func (l *local) command(p *process, args []string) *exec.Cmd {
	cmd := exec.Command(l.executable, args...)
	switch {
	case l.pair == nil:
	case p.author:
		cmd = l.pair.AuthorCommand(context.Background(), l.executable, args...)
	default:
		cmd = l.pair.BrokerCommand(context.Background(), l.executable, args...)
	}
	cmd.Dir = p.dir
	bindToParent(cmd)
	return cmd
}

func (l *local) address(p *process) Address {
	a := Address{PID: p.cmd.Process.Pid}
	switch {
	case l.pair == nil:
		a.Host = l.Host()
	case p.author:
		a.Host, a.Interface = l.pair.AuthorAddr.String(), l.pair.Interface
	default:
		a.Host = l.pair.BrokerAddr.String()
	}
	return a
}

// Close ends the processes in the reverse order of their start.
func (l *local) Close(ctx context.Context) error {
	var errs []error
	for i := len(l.started) - 1; i >= 0; i-- {
		errs = append(errs, l.started[i].terminate())
	}
	for _, p := range l.started {
		errs = append(errs, p.wait(ctx))
	}
	if l.pair != nil {
		errs = append(errs, l.pair.Close())
	}
	return errors.Join(errs...)
}
