package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"cometbench/internal/owner"
	"cometbench/internal/tail"
)

// Janitor is a process that outlives this one, if only for a moment: it waits
// until its standard input ends, which the system sees to however this process
// ends (a panic, kill -9), and then removes what it left.
type Janitor struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   *tail.Tail
}

// JanitorVariable is set in a janitor's environment. A testbed in it would mean
// that what was started isn't a janitor, but the program that starts testbeds,
// and that would go on and on.
const JanitorVariable = "COMETBENCH_JANITOR"

// cleanDeadline bounds a janitor's work.
const cleanDeadline = time.Minute

// StartJanitor starts the command as a janitor, which is to remove what an owner
// has on the engines of these names and in these scratch folders.
func StartJanitor(command string, o owner.Owner, engines []string, scratch ...string) (*Janitor, error) {
	j := &Janitor{log: &tail.Tail{}}
	args := []string{"janitor", "-owner", o.String()}
	for _, name := range engines {
		args = append(args, "-engine", name)
	}
	j.cmd = exec.Command(command, append(args, scratch...)...)
	j.cmd.Env = append(os.Environ(), JanitorVariable+"=1")
	j.cmd.Stderr = j.log
	detach(j.cmd)
	stdin, err := j.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	j.stdin = stdin
	if err := j.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the janitor: %w", err)
	}
	return j, nil
}

// Dismiss ends the janitor, after everything was removed.
func (j *Janitor) Dismiss() error {
	err := j.stdin.Close()
	ended := make(chan error, 1)
	go func() { ended <- j.cmd.Wait() }()
	select {
	case waited := <-ended:
		if waited != nil {
			waited = fmt.Errorf("janitor: %w: %s", waited, j.log)
		}
		return errors.Join(err, waited)
	case <-time.After(cleanDeadline):
		return errors.Join(err, errors.New("the janitor doesn't end"), j.cmd.Process.Kill())
	}
}

// Clean is what a janitor does: it waits until stdin ends and then removes what
// the owner (as its label writes it) has left on the engines, and its scratch
// folders.
func Clean(ctx context.Context, stdin io.Reader, label string, engines, scratch []string) error {
	o, err := owner.Parse(label)
	if err != nil {
		return err
	}
	for _, dir := range scratch {
		if !owner.IsScratch(dir) {
			return fmt.Errorf("scratch folder %q: want one that a benchmark has made", dir)
		}
	}
	if _, err := io.Copy(io.Discard, stdin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanDeadline)
	defer cancel()
	errs := make([]error, len(engines))
	var wg sync.WaitGroup
	for i, name := range engines { // side by side: one may wait for what is on the other
		wg.Go(func() {
			if e, err := Dial(ctx, name); err == nil {
				errs[i] = e.RemoveOwned(ctx, o)
			}
		})
	}
	wg.Wait()
	for _, dir := range scratch {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
