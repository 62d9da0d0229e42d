package agent

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"testing"
	"time"
)

// TestClock: this machine's clock is set beside itself.
func TestClock(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- tellTime(ctx, "127.0.0.1:0", writer) }()
	var at ClockAddress
	if err := json.NewDecoder(reader).Decode(&at); err != nil {
		t.Fatal(err)
	}
	c, err := askTime(ctx, at.Address)
	if err != nil || c.Offset.Abs() > c.Error || c.Error <= 0 {
		t.Errorf("got %+v, %v, want no offset beyond the error", c, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestClockAhead: another clock's offset is within the error, also where questions
// take much longer than answers, and the fastest answer counts.
func TestClockAhead(t *testing.T) {
	const ahead, way = -time.Hour, time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		for i := 0; ; i++ {
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				return
			}
			if i != 50 {
				time.Sleep(10 * way)
			}
			time.Sleep(way)
			binary.Write(c, binary.BigEndian, time.Now().Add(ahead).UnixNano())
		}
	}()
	c, err := askTime(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if off := (c.Offset - ahead).Abs(); off > c.Error || c.Error < way/2 {
		t.Errorf("got %+v, which is off by %v", c, off)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if c, err := askTime(ctx, listener.Addr().String()); err == nil { // nobody accepts it any more
		t.Errorf("got %+v of a clock that doesn't answer", c)
	}
}
