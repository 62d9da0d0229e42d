package experiment

import (
	"bufio"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/testbed"
)

// capture is a tcpdump in the author's network namespace.
type capture struct {
	cmd      *exec.Cmd
	answered atomic.Int64 // connections on which the broker has answered
	times    chan []time.Duration
}

// segment is a line of tcpdump: time, source, destination, flags, bytes of data.
var segment = regexp.MustCompile(`^([0-9]+)\.([0-9]{9}) (?:\S+ +(?:In|Out) +)?` +
	`IP6? (\S+) > (\S+): Flags \[([^]]*)\].* length ([0-9]+)`)

// startCapture captures what the author and the broker's port send each other, on
// all interfaces: one that is delayed in user space isn't where a packet is seen
// first.
func startCapture(t *testing.T, author testbed.Address, broker string) *capture {
	t.Helper()
	_, port, _ := strings.Cut(broker, ":")
	args := []string{"tcpdump", "-i", "lo"}
	if author.Interface != "" { // it has a namespace of its own
		args = []string{"nsenter", "-t", strconv.Itoa(author.PID), "-n", "tcpdump", "-i", "any"}
	}
	// The kernel keeps so many KiB of packets for it, each in a place as large as a
	// packet may be: of whole ones, some 200 have room.
	args = append(args, "-n", "-tt", "--time-stamp-precision=nano", "--immediate-mode", "-B", "65536",
		"-s", "256", "-l", "tcp port "+port)
	c := &capture{cmd: exec.CommandContext(t.Context(), args[0], args[1:]...), times: make(chan []time.Duration, 1)}
	stdout, err1 := c.cmd.StdoutPipe()
	stderr, err2 := c.cmd.StderrPipe()
	if err := errors.Join(err1, err2, c.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stderr)
	for said.Scan() && !strings.HasPrefix(said.Text(), "listening on") {
	}
	go func() {
		for said.Scan() {
		}
	}()
	go func() {
		begun := make(map[string]time.Duration) // by the author's end
		var times []time.Duration
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			m := segment.FindStringSubmatch(lines.Text())
			if m == nil {
				continue
			}
			sec, _ := strconv.ParseInt(m[1], 10, 64)
			nsec, _ := strconv.ParseInt(m[2], 10, 64)
			at := time.Duration(sec)*time.Second + time.Duration(nsec)
			from, to := m[3], m[4]
			if _, again := begun[from]; m[5] == "S" && !again {
				begun[from] = at
			}
			if syn, ok := begun[to]; ok && m[6] != "0" { // the answer of the broker
				times = append(times, at-syn)
				delete(begun, to)
				c.answered.Add(1)
			}
		}
		c.times <- times
	}()
	return c
}

// end returns the times from SYN to answer, in order, when there are n of them.
func (c *capture) end(t *testing.T, n int) []time.Duration {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); c.answered.Load() < int64(n); {
		if time.Now().After(deadline) {
			t.Fatalf("tcpdump saw %d answers, want %d", c.answered.Load(), n)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	times := <-c.times
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("tcpdump: %v", err)
	}
	slices.Sort(times)
	return times
}

// requireIdle requires that this process gets a processor when it wants one: an
// author that waits for it between its look at the clock and its SYN begins an event
// earlier than a capture shows.
func requireIdle(t *testing.T) {
	t.Helper()
	const sleep, most = 100 * time.Microsecond, 2 * time.Millisecond
	late := make([]time.Duration, 400)
	for i := range late {
		begun := time.Now()
		time.Sleep(sleep)
		late[i] = time.Since(begun) - sleep
	}
	slices.Sort(late)
	if p99 := late[len(late)*99/100]; p99 > most {
		require.Missing(t, "idle", fmt.Sprintf("this process waits %v for a processor, want %v at most", p99, most))
	}
}

// TestCapture compares the percentiles of the ack latency with those of a packet
// capture in the author's network: SYN to answer. They agree within 1 % or 0.1 ms.
func TestCapture(t *testing.T) {
	require.Root(t)
	require.Command(t, "tcpdump", "tcpdump")
	require.Command(t, "root", "nsenter")
	requireIdle(t)
	c := newConfig(t)
	s := prepared(t, c, "embedded")
	for _, latency := range []time.Duration{0, 10 * time.Millisecond} {
		t.Run(matrix.FormatLatency(latency), func(t *testing.T) {
			cell := matrix.Cell{Broker: s.Label, Latency: latency, Conns: 4, Events: 1000}
			x := started(t, c, s, cell, "")
			capture := startCapture(t, x.author.Address(), x.receive)
			if _, err := x.Send(t.Context(), x.load()); err != nil {
				t.Fatal(err)
			}
			seen := capture.end(t, cell.Events)
			if err := x.End(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(seen) != cell.Events || x.run.Journeys == nil || x.run.Journeys.Ack == nil {
				t.Fatalf("tcpdump saw %d events, the run has %+v", len(seen), x.run.Journeys)
			}
			if x.run.Netem == "kernel" { // tcpdump sees packets when they leave the kernel's queue
				for i := range seen {
					seen[i] += latency
				}
			}
			for _, p := range []struct {
				name      string
				got, want time.Duration
			}{
				{"p50", x.run.Journeys.Ack.P50, seen[cell.Events/2-1]},
				{"p99", x.run.Journeys.Ack.P99, seen[cell.Events*99/100-1]},
			} {
				off := p.got - p.want
				t.Logf("%s: %v, by the capture %v", p.name, p.got, p.want)
				if off.Abs() > max(p.want/100, 100*time.Microsecond) {
					t.Errorf("%s: got %v, by the capture %v", p.name, p.got, p.want)
				}
			}
		})
	}
}
