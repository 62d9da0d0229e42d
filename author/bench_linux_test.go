package author

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cometbench/internal/cpuidle"
	"cometbench/vtp"

	"golang.org/x/sys/unix"
)

// BenchmarkAuthor sends events to a sink that only reads and acks, and beside
// it the same events by bare blocking sockets, one thread a connection. The
// metric of-bare is the author's rate as a share of theirs.
func BenchmarkAuthor(b *testing.B) {
	sink := startSink(b)
	for _, conns := range []int{1, 16, 64, 512} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			const events = 5_000
			var bare, ours time.Duration
			var cpuBare, cpuOurs time.Duration
			for b.Loop() {
				cpu := cpuTime()
				begun := time.Now()
				bareLoops(b, sink, conns, events)
				bare += time.Since(begun)
				cpuBare += cpuTime() - cpu
				cpu = cpuTime()
				r, err := Run(b.Context(), Config{Addr: sink, Conns: conns, Events: events})
				if err != nil || r.Acked != events {
					b.Fatalf("%+v, %v", r, err)
				}
				ours += r.Elapsed
				cpuOurs += cpuTime() - cpu
			}
			n := float64(events * b.N)
			b.ReportMetric(n/ours.Seconds(), "events/s")
			b.ReportMetric(n/bare.Seconds(), "bare-events/s")
			b.ReportMetric(bare.Seconds()/ours.Seconds(), "of-bare")
			b.ReportMetric(float64(cpuOurs.Microseconds())/n, "cpu-µs/event")
			b.ReportMetric(float64(cpuBare.Microseconds())/n, "bare-cpu-µs/event")
		})
	}
}

// BenchmarkSchedule sends events to the sink at 1,000 a second. On an idle machine
// 99 % of them begin no later than 0.1 ms after they are due.
func BenchmarkSchedule(b *testing.B) {
	if request := cpuidle.Prevent(); request != nil { // as a series does
		defer request.Close()
	}
	sink := startSink(b)
	for _, poisson := range []bool{false, true} {
		b.Run(fmt.Sprintf("poisson=%v", poisson), func(b *testing.B) {
			const events = 3_000
			var late, p50, cpu time.Duration
			for b.Loop() {
				r, err := Run(b.Context(), Config{
					Addr: sink, Conns: 1024, Events: events, Rate: 1000, Poisson: poisson,
				})
				if err != nil || r.Acked != events {
					b.Fatalf("%+v, %v", r, err)
				}
				late += r.ScheduleP99
				p50 += schedulePercentile(r.Results, 50)
				cpu += r.CPU
			}
			n := float64(b.N)
			b.ReportMetric(late.Seconds()/n, "schedule-p99-sec")
			b.ReportMetric(p50.Seconds()/n, "schedule-p50-sec")
			b.ReportMetric(float64(cpu.Microseconds())/n/events, "cpu-µs/event")
		})
	}
}

func schedulePercentile(results []Result, p int) time.Duration {
	var late []time.Duration
	for _, r := range results {
		late = append(late, r.Begun-r.Planned)
	}
	return percentile(late, p)
}

const sinkVariable = "COMETBENCH_TEST_SINK"

// TestSink is the sink of the benchmark, in a process of its own: it would
// share the author's threads otherwise.
func TestSink(t *testing.T) {
	if os.Getenv(sinkVariable) == "" {
		t.Skip("runs for the benchmark only")
	}
	fmt.Println(serve(t, sinkHandler()))
	io.Copy(io.Discard, os.Stdin)
}

func startSink(b *testing.B) (addr string) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestSink$")
	cmd.Env = append(os.Environ(), sinkVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		io.Copy(io.Discard, stdout)
		cmd.Wait()
	})
	if _, err := fmt.Fscanln(stdout, &addr); err != nil {
		b.Fatal(err)
	}
	return addr
}

// sinkHandler reads events and acks them, with a look at nothing but what the
// answer needs.
func sinkHandler() func(net.Conn) {
	reply := ack(strings.Repeat("x", 100))
	origin := bytes.Index(reply, []byte("xxx"))
	buffers := sync.Pool{New: func() any { return new([4096]byte) }}
	return func(c net.Conn) {
		space := buffers.Get().(*[4096]byte)
		defer buffers.Put(space)
		buf := space[:]
		for n := 0; ; {
			m, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			n += m
			if size, err := vtp.FrameSize(buf[:n]); err == nil && size > 0 && n >= size {
				_, ivoid, _ := bytes.Cut(buf[:n], []byte(`ivorn="`))
				ivoid, _, _ = bytes.Cut(ivoid, []byte(`"`))
				answer := bytes.Clone(reply)
				padded := answer[origin : origin+100]
				copy(padded, bytes.Repeat([]byte(" "), 100))
				copy(padded, ivoid)
				c.Write(answer)
				n = 0
			}
		}
	}
}

// bareLoops is connect, write, read, close in as many goroutines as there are
// connections, by blocking system calls.
func bareLoops(b *testing.B, addr string, conns, events int) {
	target, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	e, err := newEvents(Config{From: DefaultFrom}, time.Now(), events)
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range conns {
		all.Go(func() {
			_, address, err := socketAddress(target)
			if err != nil {
				b.Error(err)
				return
			}
			var frame []byte
			reply := make([]byte, 4096)
			for i := int(next.Add(1)) - 1; i < events; i = int(next.Add(1)) - 1 {
				frame = e.frame(frame, i)
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err == nil {
					err = unix.Connect(fd, address)
				}
				if err == nil {
					_, err = unix.Write(fd, frame)
				}
				if err == nil {
					_, err = unix.Read(fd, reply)
				}
				unix.Close(fd)
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
