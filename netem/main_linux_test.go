package netem

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"cometbench/author"
	"cometbench/embedded"
	"cometbench/internal/cpuidle"
)

// TestMain lets the test binary be cometbench too, whose subcommands netem
// starts, and the two programs of the tests' load. As process 1 of a virtual
// machine it sets the machine up first.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err := subcommand(ctx, os.Args[1], os.Args[2:])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, "netem.test:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getpid() == 1 {
		os.Exit(bootMachine())
	}
	// A testbed does the same.
	request := cpuidle.Prevent()
	code := m.Run()
	if request != nil {
		_ = request.Close()
	}
	os.Exit(code)
}

func subcommand(ctx context.Context, name string, args []string) error {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	switch name {
	case "pair":
		return RunPair(ctx, os.Stdin, os.Stdout)
	case "pause":
		<-ctx.Done()
		return nil
	case "within":
		namespace := fs.String("net", "", "")
		return errors.Join(fs.Parse(args), Exec(*namespace, fs.Args()))
	case "delay":
		var d Delay
		fs.StringVar(&d.Interface, "interface", authorEnd, "")
		fs.DurationVar(&d.OneWay, "latency", 0, "")
		fs.IntVar(&d.Packets, "packets", 0, "")
		kind := fs.String("netem", "auto", "")
		if err := fs.Parse(args); err != nil {
			return err
		}
		d.Kind = Kind(*kind)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
		return d.Run(ctx, os.Stdout)
	case "rtt":
		addr := fs.String("addr", "", "")
		count := fs.Int("count", 10, "")
		if err := fs.Parse(args); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		samples, err := RTT(ctx, *addr, *count)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(samples)
	case "broker":
		return broker(ctx, os.Stdin, os.Stdout)
	case "author":
		c := author.Config{Timeout: 5 * time.Minute}
		fs.StringVar(&c.Addr, "addr", "", "")
		fs.IntVar(&c.Conns, "conns", 1, "")
		fs.IntVar(&c.Events, "events", 1, "")
		if err := fs.Parse(args); err != nil {
			return err
		}
		report, err := author.Run(ctx, c)
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(report))
	case "restricted":
		return restricted(args[0], args[1])
	case "nest":
		return nest(ctx, os.Stdin, os.Stdout)
	case "ipv6":
		return os.WriteFile("/proc/sys/net/ipv6/conf/"+args[0]+"/disable_ipv6", []byte("0"), 0)
	case "serve":
		return serve(ctx, os.Stdin, os.Stdout)
	case "load":
		var l load
		fs.StringVar(&l.addr, "addr", "", "")
		fs.IntVar(&l.conns, "conns", 1, "")
		fs.IntVar(&l.events, "events", 1, "")
		fs.IntVar(&l.size, "size", 1000, "")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(l.run(ctx))
	}
	return fmt.Errorf("no such subcommand: %s", name)
}

// broker runs the embedded broker until stdin ends. It prints the port where
// it receives.
func broker(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	dir, err := os.MkdirTemp("", "netem-broker")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := embedded.Listen(embedded.Config{Receive: ":0", Broadcast: ":0", EventDB: dir})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	if err := json.NewEncoder(stdout).Encode(b.ReceiveAddr().(*net.TCPAddr).Port); err != nil {
		return err
	}
	return b.Serve(ctx)
}
