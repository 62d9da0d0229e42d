package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"cometbench/internal/tail"
)

// process is a part that runs as a child of this process and ends with it.
type process struct {
	name    string
	cmd     *exec.Cmd
	printed chan []byte // lines of standard output, closed at its end
	log     *tail.Tail
	ended   chan struct{} // closed when death is set
	death   error         // how it ended
	stopped atomic.Bool   // its end is no surprise
}

// launch starts a process. An end that nobody asked for is sent to deaths.
func launch(name string, cmd *exec.Cmd, deaths chan<- error) (*process, error) {
	p := &process{
		name: name, cmd: cmd, log: &tail.Tail{},
		printed: make(chan []byte, 16), ended: make(chan struct{}),
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = p.log
	// What is started with -stdin ends when the pipe does: however this process
	// ends, nobody else holds its other end.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	bindToParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		scanner := bufio.NewScanner(stdout)
		for scanner.Scan() {
			select {
			case p.printed <- append([]byte(nil), scanner.Bytes()...):
			default: // nobody reads what a part says beyond its first lines
			}
		}
		close(p.printed)
		io.Copy(io.Discard, stdout)
		p.death = p.describe(cmd.Wait())
		if !p.stopped.Load() {
			deaths <- p.death
		}
	}()
	return p, nil
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

// line returns the next line that the process prints.
func (p *process) line(ctx context.Context) ([]byte, error) {
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

// expected says that the process's end is no surprise from now on.
func (p *process) expected() { p.stopped.Store(true) }

func (p *process) terminate() error {
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

// stop ends a process that a context has given up: with SIGTERM, so that it
// can clean up, and after a grace by force.
func stop(p *os.Process, ended <-chan error) error {
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

// netstat returns the text of the process's /proc/PID/net/netstat (proc(5)),
// "" on a system that has none.
func (p *process) netstat() (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/netstat", p.cmd.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// clockTick is the unit of CPU times in /proc/PID/stat: USER_HZ, which is 100
// in the ABI of every Linux port that Go has (proc(5), sysconf(3)).
const clockTick = 10 * time.Millisecond

// cpu returns the CPU time that the process has used so far, 0 on a system
// that has no /proc.
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: want 52 fields", p.cmd.Process.Pid)
	}
	var total time.Duration
	for _, field := range fields[11:13] { // utime and stime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", p.cmd.Process.Pid, err)
		}
		total += time.Duration(ticks) * clockTick
	}
	return total, nil
}
