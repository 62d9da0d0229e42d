package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cometbench/images"
	"cometbench/internal/engine"
	"cometbench/internal/proctree"
	"cometbench/internal/tail"

	"github.com/ory/dockertest/v3/docker"
)

// container is a role in a container.
type container struct {
	name    string
	backend *containers
	engine  *engine.Engine
	id      string
	image   string // "" if it is ours
	holders int
	ip      string
	ended   chan struct{} // closed when death is set
	death   error         // nil where its end was no surprise
	stopped atomic.Bool   // its end is no surprise

	following sync.Once
	printed   chan string // lines of standard output, closed at its end

	mu    sync.Mutex
	agent *container // runs our command beside an image that has none; nil until it is needed
}

// watch waits for the container's end and tells of one that nobody asked for.
func (p *container) watch() {
	defer close(p.ended)
	code, err := p.engine.Pool.Client.WaitContainer(p.id)
	if p.stopped.Load() {
		return
	}
	if err != nil {
		err = fmt.Errorf("the engine, or the connection to it, was gone while %s ran: %w", p.name, err)
	} else {
		err = fmt.Errorf("%s ended with exit code %d: %s", p.name, code, p.logs())
	}
	p.death = err
	tell(p.backend.deaths, err)
}

func (p *container) logs() string {
	ctx, cancel := context.WithTimeout(context.Background(), engine.Answer)
	defer cancel()
	log := new(tail.Tail)
	err := p.engine.Pool.Client.Logs(docker.LogsOptions{
		Container: p.id, Stdout: true, Stderr: true, OutputStream: log, ErrorStream: log, Tail: "20", Context: ctx,
	})
	if err != nil {
		return err.Error()
	}
	return log.String()
}

// Address has the PID of a container's first process.
func (p *container) Address() Address {
	return Address{Host: p.ip, Interface: "eth0", PID: 1, Holders: p.holders}
}

func (p *container) Line(ctx context.Context) ([]byte, error) {
	p.following.Do(p.follow)
	select {
	case line, ok := <-p.printed:
		if ok {
			return []byte(line), nil
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("%s printed nothing: %w", p.name, context.Cause(ctx))
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if p.death != nil {
		return nil, p.death
	}
	return nil, fmt.Errorf("%s ended: %s", p.name, p.logs())
}

// follow reads the lines that the container prints, from the first.
func (p *container) follow() {
	p.printed = make(chan string, linesKept)
	lines := &tail.Tail{Each: func(line string) bool {
		select {
		case p.printed <- line:
		default:
		}
		return true
	}}
	go func() {
		defer close(p.printed)
		err := p.engine.Pool.Client.Logs(docker.LogsOptions{
			Container: p.id, Stdout: true, Follow: true, OutputStream: lines, ErrorStream: io.Discard,
		})
		if err != nil && !p.stopped.Load() {
			tell(p.backend.deaths, fmt.Errorf("read what %s prints: %w", p.name, err))
		}
	}()
}

func (p *container) Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args ...string) error {
	agent, err := p.ours(ctx)
	if err != nil {
		return err
	}
	return agent.exec(ctx, stdin, stdout, stderr, append([]string{images.AuthorCommand}, args...)...)
}

// ours returns a container that has our command, shares this one's network, and
// sees its processes: this one itself, if it is of our image.
func (p *container) ours(ctx context.Context) (*container, error) {
	if p.image == "" {
		return p, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.agent == nil {
		agent, err := p.backend.start(ctx, Role{Name: p.name + "-agent", Command: []string{"pause"}, Beside: p})
		if err != nil {
			return nil, err
		}
		agent.stopped.Store(true) // it ends with the one that it looks at
		p.agent = agent
	}
	return p.agent, nil
}

// exec runs a command in the container, to its end.
func (p *container) exec(
	ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, command ...string,
) error {
	client := p.engine.Pool.Client
	exec, err := engine.Ask(ctx, "run "+command[0], engine.Answer, func(ctx context.Context) (*docker.Exec, error) {
		return client.CreateExec(docker.CreateExecOptions{
			Container: p.id, Cmd: command, AttachStdin: stdin != nil, AttachStdout: true, AttachStderr: true,
			Context: ctx,
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	err = engine.AwaitDone(ctx, func() error { // it may go on until the container is removed
		// The client sends its options as JSON, the streams among them: these
		// hide what a stream may hold.
		o := docker.StartExecOptions{OutputStream: io.MultiWriter(stdout), ErrorStream: io.MultiWriter(stderr)}
		if stdin != nil {
			o.InputStream = io.MultiReader(stdin)
		}
		return client.StartExec(exec.ID, o)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	code, err := p.exitCode(ctx, exec.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if code != 0 {
		return fmt.Errorf("%s: %s: exit code %d", p.name, strings.Join(command[:min(2, len(command))], " "), code)
	}
	return nil
}

// exitCode returns the exit code of a command that has closed its output. The
// engine may learn a moment later that it has ended, and says 0 until then.
func (p *container) exitCode(ctx context.Context, exec string) (int, error) {
	for {
		told, err := engine.Ask(ctx, "ask how a command ended", engine.Answer,
			func(context.Context) (*docker.ExecInspect, error) {
				return p.engine.Pool.Client.InspectExec(exec)
			})
		if err != nil {
			return 0, err
		}
		if !told.Running {
			return told.ExitCode, nil
		}
		if err := engine.Pause(ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// copier returns the script that writes the archive, with the state of the
// container's processes.
func copier() string {
	files := "/proc/" + strings.Join(append(proctree.Patterns(), proctree.ContainerPatterns()...), " /proc/")
	return "grep -Hs '' " + files + " >/tmp/" + ProcessesFile +
		"; exec tar -c -C /tmp " + ProcessesFile + " -C " + folder + " ."
}

// CopyOut copies by a tar archive: an engine's own copy doesn't see a tmpfs.
func (p *container) CopyOut(ctx context.Context, dir string) error {
	reader, writer := io.Pipe()
	log := new(tail.Tail)
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(reader, dir, folderLimit-roomLeft)
		reader.CloseWithError(err)
		unpacked <- err
	}()
	command := []string{"sh", "-c", copier()}
	if p.image == "" {
		command = []string{images.AuthorCommand, "tar", folder}
	}
	err := p.exec(ctx, nil, writer, log, command...)
	writer.Close()
	if unpackErr := <-unpacked; err == nil || errors.Is(unpackErr, ErrFull) {
		err = unpackErr
	}
	if err == nil {
		return nil
	}
	text := log.String()
	if strings.Contains(text, "file changed as we read it") {
		err = ErrChanging
	}
	return fmt.Errorf("copy files of the %s: %w: %s", p.name, err, text)
}

func (p *container) Log(ctx context.Context, w io.Writer) error {
	if p.image == "" {
		return nil
	}
	return p.exec(ctx, nil, w, io.Discard, "cat", LogFile)
}

func (p *container) Stop(ctx context.Context) error {
	p.stopped.Store(true)
	_, err := engine.Ask(ctx, "stop "+p.name, engine.Answer, func(ctx context.Context) (struct{}, error) {
		o := docker.KillContainerOptions{ID: p.id, Signal: docker.SIGTERM, Context: ctx}
		return struct{}{}, p.engine.Pool.Client.KillContainer(o)
	})
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", p.name, context.Cause(ctx))
	}
}
