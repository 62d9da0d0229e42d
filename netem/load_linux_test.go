package netem

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A load as that of an experiment, with other contents: one message per
// connection, of a length and that many bytes, answered by their checksum.

// serve answers loads until stdin ends. It prints its port.
func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		_ = listener.Close()
	}()
	if err := json.NewEncoder(stdout).Encode(listener.Addr().(*net.TCPAddr).Port); err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			var length uint32
			if binary.Read(conn, binary.BigEndian, &length) != nil {
				return // a handshake, to measure the round trip
			}
			sum := crc32.NewIEEE()
			if _, err := io.CopyN(sum, conn, int64(length)); err != nil {
				return
			}
			_, _ = conn.Write(sum.Sum(nil))
			_, _ = io.Copy(io.Discard, conn)
		}()
	}
}

type load struct {
	addr                string
	conns, events, size int
}

// loaded is the result of a load.
type loaded struct {
	Elapsed  time.Duration
	Answered int64
	Failure  string // of one that failed
	Counters Counters
}

func (l load) run(ctx context.Context) loaded {
	message := make([]byte, 4+l.size)
	binary.BigEndian.PutUint32(message, uint32(l.size))
	for i := range message[4:] {
		message[4+i] = byte(i * 7)
	}
	want := crc32.ChecksumIEEE(message[4:])
	var result loaded
	var left atomic.Int64
	left.Store(int64(l.events))
	var once sync.Once
	var wait sync.WaitGroup
	before, err := counters()
	begun := time.Now()
	for range l.conns {
		wait.Go(func() {
			for left.Add(-1) >= 0 {
				if err := l.one(ctx, message, want); err != nil {
					once.Do(func() { result.Failure = err.Error() })
					continue
				}
				atomic.AddInt64(&result.Answered, 1)
			}
		})
	}
	wait.Wait()
	result.Elapsed = time.Since(begun)
	after, err2 := counters()
	if err := errors.Join(err, err2); err != nil {
		result.Failure = err.Error()
	}
	result.Counters = after.Sub(before)
	return result
}

// counters returns the counters of the process's network namespace.
func counters() (Counters, error) {
	snmp, err1 := os.ReadFile("/proc/net/snmp")
	netstat, err2 := os.ReadFile("/proc/net/netstat")
	c, err := ParseCounters(string(snmp), string(netstat))
	return c, errors.Join(err1, err2, err)
}

func (l load) one(ctx context.Context, message []byte, want uint32) error {
	dialer := net.Dialer{Timeout: 30 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := conn.Write(message); err != nil {
		return err
	}
	var got uint32
	if err := binary.Read(conn, binary.BigEndian, &got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("what arrived has the checksum %08x, what was sent %08x", got, want)
	}
	return nil
}
