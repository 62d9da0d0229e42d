package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"cometbench/internal/tail"
)

// process is a role that runs as a child of this process and ends with it.
type process struct {
	name    string
	backend *local
	author  bool   // it is in the author's network
	dir     string // its working directory
	cmd     *exec.Cmd
	printed chan []byte // lines of standard output, closed at its end
	log     tail.Tail
	ended   chan struct{} // closed when death is set
	death   error         // how it ended
	stopped atomic.Bool   // its end is no surprise
}

// linesKept is how many lines of a role wait for their reader. None of ours
// prints so many.
const linesKept = 16

// deathsKept is how many deaths of roles wait for their reader, who needs the
// first.
const deathsKept = 8

// tell delivers a death, unless the reader has had enough of them.
func tell(deaths chan<- error, death error) {
	select {
	case deaths <- death:
	default:
	}
}

// start starts the process. An end that nobody asked for is sent to deaths.
func (p *process) start(cmd *exec.Cmd, deaths chan<- error) error {
	p.cmd, p.printed, p.ended = cmd, make(chan []byte, linesKept), make(chan struct{})
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = &p.log
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer close(p.ended)
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			select {
			case p.printed <- append([]byte(nil), scanner.Bytes()...):
			default:
			}
		}
		close(p.printed)
		io.Copy(io.Discard, stdout)
		p.death = p.describe(cmd.Wait())
		if !p.stopped.Load() {
			tell(deaths, p.death)
		}
	}()
	return nil
}

func (p *process) describe(end error) error {
	how := "ended"
	if end != nil {
		how = "ended with " + end.Error()
	}
	if text := p.log.String(); text != "" {
		return fmt.Errorf("%s %s: %s", p.name, how, text)
	}
	return fmt.Errorf("%s %s", p.name, how)
}

func (p *process) Address() Address { return p.backend.address(p) }

func (p *process) Line(ctx context.Context) ([]byte, error) {
	select {
	case line, ok := <-p.printed:
		if ok {
			return line, nil
		}
		select {
		case <-p.ended:
			return nil, p.death
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("%s printed nothing: %w", p.name, context.Cause(ctx))
	}
}

func (p *process) Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) error {
	cmd := p.backend.command(p, args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
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
		return errors.Join(context.Cause(ctx), giveUp(cmd.Process, ended))
	}
}

func (p *process) Log(context.Context, io.Writer) error { return nil }

func (p *process) CopyOut(_ context.Context, dir string) error {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyFile(filepath.Join(p.dir, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(to, in)
}

func (p *process) Stop(ctx context.Context) error {
	if err := p.terminate(); err != nil {
		return err
	}
	return p.wait(ctx)
}

// terminate asks the process to end, which is no surprise from now on.
func (p *process) terminate() error {
	p.stopped.Store(true)
	return ignoreDone(p.cmd.Process.Signal(syscall.SIGTERM))
}

// wait waits for the process's end, and kills it when the context ends.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		err := fmt.Errorf("%s didn't end on SIGTERM: killed", p.name)
		return errors.Join(err, ignoreDone(p.cmd.Process.Kill()))
	}
}

// giveUp ends a command whose context has ended: with SIGTERM, so that it can
// clean up, and after a grace by force.
func giveUp(p *os.Process, ended <-chan error) error {
	if err := ignoreDone(p.Signal(syscall.SIGTERM)); err != nil {
		return errors.Join(err, ignoreDone(p.Kill()))
	}
	select {
	case <-ended:
		return nil
	case <-time.After(5 * time.Second):
		err := ignoreDone(p.Kill())
		<-ended
		return err
	}
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
