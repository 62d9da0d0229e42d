package author

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestSources: towards a loopback address the author connects from several
// addresses, so that it doesn't run out of ports where it closes first.
func TestSources(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]bool)
	addr := serve(t, func(c net.Conn) {
		mu.Lock()
		seen[c.RemoteAddr().(*net.TCPAddr).IP.String()] = true
		mu.Unlock()
		answering(ack)(c)
	})
	r, err := Run(t.Context(), Config{Addr: addr, Conns: 4, Events: 20 * sources})
	if err != nil || r.Acked != 20*sources {
		t.Fatalf("got %+v, %v", r, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != sources {
		t.Errorf("got connections from %d addresses, want %d", len(seen), sources)
	}
}

// TestConnectTimes: a tenth of slow connects is enough for a warning.
func TestConnectTimes(t *testing.T) {
	var c connectTimes
	if got := c.worst(); got != 0 {
		t.Errorf("without connects: got %v", got)
	}
	c.add(0, 20*time.Microsecond)
	c.add(9, time.Millisecond)
	c.add(9, 3*time.Millisecond)
	if got := c.worst(); got != 2*time.Millisecond {
		t.Errorf("got %v, want 2ms", got)
	}
	addr := serve(t, answering(ack))
	r, err := Run(t.Context(), Config{Addr: addr, Conns: 4, Events: 100})
	if err != nil || r.Connect <= 0 {
		t.Fatalf("got %+v, %v, want the time of connects", r, err)
	}
	if warned := strings.Contains(strings.Join(r.Warnings, ""), "TIME_WAIT"); warned != (r.Connect > slowConnect) {
		t.Errorf("connects took %v, warnings %q", r.Connect, r.Warnings)
	}
}

// TestStalled stops the process that sends for a while.
func TestStalled(t *testing.T) {
	if addr := os.Getenv(stalledVariable); addr != "" {
		r, err := Run(t.Context(), Config{Addr: addr, Conns: 1, Events: 2})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(int64(r.Stalled), len(r.Warnings))
		return
	}
	const pause = 1500 * time.Millisecond
	events := make(chan func(), 2)
	addr := serve(t, func(c net.Conn) {
		answered := make(chan struct{})
		events <- func() { close(answered) }
		<-answered
		answering(ack)(c)
	})
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStalled$")
	cmd.Env = append(os.Environ(), stalledVariable+"="+addr)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	goOn := <-events // it is sending
	err1 := cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(pause)
	err2 := cmd.Process.Signal(syscall.SIGCONT)
	goOn()
	(<-events)()
	if err := errors.Join(err1, err2, cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	var stalled time.Duration
	var warnings int
	if _, err := fmt.Sscan(out.String(), &stalled, &warnings); err != nil || stalled < pause-2*tick || warnings != 1 {
		t.Errorf("got %v and %d warnings (%v, %s), want about %v and one", stalled, warnings, err, &out, pause)
	}
}

const stalledVariable = "COMETBENCH_TEST_STALLED"
