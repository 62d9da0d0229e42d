package agent

import (
	"context"
	"errors"
	"flag"
	"io"
	"time"
)

// life is how a program ends that nobody ends: a benchmark may be killed, and so
// may what cleans up after it.
type life struct {
	length time.Duration // 0 is no limit
	stdin  bool
}

// flags adds the flags that say so.
func (l *life) flags(fs *flag.FlagSet) {
	fs.Func("for", "end by itself after this `time`", func(s string) (err error) {
		if l.length, err = time.ParseDuration(s); err == nil && l.length <= 0 {
			err = errors.New("want a time above zero")
		}
		return err
	})
	fs.BoolVar(&l.stdin, "stdin", false, "end when standard input does, so as to end with a parent that holds its "+
		"other end")
}

// begin returns a context that ends when the program is to.
func (l *life) begin(ctx context.Context, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if l.length > 0 {
		time.AfterFunc(l.length, cancel)
	}
	if l.stdin {
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	return ctx, cancel
}
