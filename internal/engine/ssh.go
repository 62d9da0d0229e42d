package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"sync"
	"time"

	"cometbench/internal/tail"

	"github.com/ory/dockertest/v3/docker"
)

// sshDialer reaches an engine as the docker command does: by "docker system
// dial-stdio" on its machine, over ssh. Each connection is a process of ssh.
// Docker's own package for it (docker/cli/cli/connhelper) logs warnings to standard
// error, which go test merges into the benchmark's output.
type sshDialer struct{ args []string }

// newSSHDialer reads the URL of an engine: ssh://[USER@]HOST[:PORT].
func newSSHDialer(host string) (*sshDialer, error) {
	u, err := url.Parse(host)
	if err != nil {
		return nil, err
	}
	_, password := u.User.Password()
	if u.Hostname() == "" || password || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, fmt.Errorf("%s: want ssh://[USER@]HOST[:PORT]", u.Redacted())
	}
	// Nobody answers questions.
	args := []string{"-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"}
	if user := u.User.Username(); user != "" {
		args = append(args, "-l", user)
	}
	if port := u.Port(); port != "" {
		args = append(args, "-p", port)
	}
	return &sshDialer{append(args, "--", u.Hostname(), "docker", "system", "dial-stdio")}, nil
}

// sshClient returns a client that reaches the engine on a host by ssh.
func sshClient(host, version string) (*docker.Client, error) {
	d, err := newSSHDialer(host)
	if err != nil {
		return nil, err
	}
	client, err := docker.NewVersionedClient("unix:///ssh", version) // as it speaks with a socket
	if err != nil {
		return nil, err
	}
	client.Dialer = d
	dial := func(_ context.Context, network, addr string) (net.Conn, error) { return d.Dial(network, addr) }
	client.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: dial, IdleConnTimeout: idleSSH}}
	return client, nil
}

// idleSSH is how long a connection is kept for the next request.
const idleSSH = 30 * time.Second

// Dial starts ssh. What the client asks for is the engine's default socket.
func (d *sshDialer) Dial(_, _ string) (net.Conn, error) {
	c := &sshConn{cmd: exec.Command("ssh", d.args...), log: new(tail.Tail)}
	c.cmd.Stderr = c.log
	detach(c.cmd) // cleaning up after Ctrl-C needs it
	var err1, err2 error
	c.in, err1 = c.cmd.StdinPipe()
	c.out, err2 = c.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, c.cmd.Start()); err != nil {
		return nil, err
	}
	return c, nil
}

// sshConn is a connection through the standard input and output of ssh. It has no
// deadlines; what is asked over it has, see [Ask].
type sshConn struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   io.ReadCloser
	log   *tail.Tail
	once  sync.Once
	ended error
}

func (c *sshConn) Read(b []byte) (int, error) {
	n, err := c.out.Read(b)
	if err == io.EOF && c.wait() != nil {
		return n, fmt.Errorf("%w: %s", c.ended, c.log)
	}
	return n, err
}

// wait waits for the end of ssh, which has closed its output.
func (c *sshConn) wait() error {
	c.once.Do(func() {
		if err := c.cmd.Wait(); err != nil {
			c.ended = fmt.Errorf("ssh: %w", err)
		}
	})
	return c.ended
}

func (c *sshConn) Write(b []byte) (int, error) { return c.in.Write(b) }

// CloseWrite tells the engine that nothing more comes.
func (c *sshConn) CloseWrite() error { return c.in.Close() }

func (c *sshConn) Close() error {
	c.in.Close()
	c.cmd.Process.Kill()
	go c.wait()
	return nil
}

func (c *sshConn) LocalAddr() net.Addr              { return sshAddr{} }
func (c *sshConn) RemoteAddr() net.Addr             { return sshAddr{} }
func (c *sshConn) SetDeadline(time.Time) error      { return nil }
func (c *sshConn) SetReadDeadline(time.Time) error  { return nil }
func (c *sshConn) SetWriteDeadline(time.Time) error { return nil }

type sshAddr struct{}

func (sshAddr) Network() string { return "ssh" }
func (sshAddr) String() string  { return "ssh" }
