package agent

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"cometbench/internal/command"
)

// ClockAddress is what clock prints when it tells the time: its address, host:port.
type ClockAddress struct {
	Address string `json:"address"`
}

// Clock is what clock prints when it has asked for the time: by how much the clock
// that it asked is ahead of its own, give or take Error.
type Clock struct {
	Offset time.Duration `json:"offset_ns"`
	Error  time.Duration `json:"error_ns"`
}

// exchanges is how often the time is asked for. The fastest answer counts.
const exchanges = 100

// runClock tells the time of this machine's clock, or asks for another's.
func runClock(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("clock", flag.ContinueOnError)
	listen := fs.String("listen", "", "tell the time at this `address`, host:port")
	addr := fs.String("ask", "", "ask for the time at this `address`, host:port")
	timeout := fs.Duration("timeout", time.Minute, "with -ask: give up after this `time`")
	var l life
	l.flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench clock -listen HOST:PORT | -ask HOST:PORT [flags]\n\n"+
			"With -listen it prints its address, as a line of JSON, and tells whoever asks the\n"+
			"time of this machine's clock, until SIGTERM or SIGINT. With -ask it prints by how\n"+
			"much the clock there is ahead of this machine's, and the greatest error that this\n"+
			"can have: half of the round trip of the fastest answer.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if (*listen == "") == (*addr == "") {
		return command.UsageErrorf("clock: want -listen or -ask")
	}
	if *listen != "" {
		ctx, end := l.begin(ctx, std.In)
		defer end()
		return tellTime(ctx, *listen, std.Out)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not done after %v", *timeout))
	defer cancel()
	clock, err := askTime(ctx, *addr)
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return json.NewEncoder(std.Out).Encode(clock)
}

// tellTime answers each byte on a connection by the time in nanoseconds since 1970,
// eight bytes, until the context ends.
func tellTime(ctx context.Context, addr string, out io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	if err := json.NewEncoder(out).Encode(ClockAddress{listener.Addr().String()}); err != nil {
		return err
	}
	for {
		c, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			var question [1]byte
			for {
				if _, err := io.ReadFull(c, question[:]); err != nil {
					return
				}
				if err := binary.Write(c, binary.BigEndian, time.Now().UnixNano()); err != nil {
					return
				}
			}
		}()
	}
}

// askTime sets the clock at an address beside this one. The time that it tells is of
// an instant between question and answer. (NTP takes their middle as well, see RFC
// 5905, section 8.)
func askTime(ctx context.Context, addr string) (best Clock, err error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return best, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	for i := range exchanges {
		asked := time.Now()
		_, err := c.Write([]byte{0})
		var told int64
		if err == nil {
			err = binary.Read(c, binary.BigEndian, &told)
		}
		took := time.Since(asked)
		if err != nil {
			return best, errors.Join(context.Cause(ctx), fmt.Errorf("ask for the time at %s: %w", addr, err))
		}
		middle := asked.Add(took / 2)
		if half := took - took/2; i == 0 || half < best.Error {
			best = Clock{time.Unix(0, told).Sub(middle), half}
		}
	}
	return best, nil
}
