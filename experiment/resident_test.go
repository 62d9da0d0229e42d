package experiment

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"cometbench/testbed"
)

// served is a role beside which serve answers each request with an answer, and
// ends with an error after the last.
type served struct {
	testbed.Process
	answers []string
	died    func()
}

func (s *served) Run(_ context.Context, stdin io.Reader, stdout, stderr io.Writer, _ ...string) error {
	one := make([]byte, 1)
	for _, answer := range s.answers {
		for one[0] = 0; one[0] != '\n'; { // a request is a line
			if _, err := stdin.Read(one); err != nil {
				return err
			}
		}
		io.WriteString(stdout, answer)
	}
	io.WriteString(stderr, "out of memory\n")
	if s.died != nil {
		s.died()
	}
	return errors.New("exit code 137")
}

func TestResident(t *testing.T) {
	death := errors.New("broker ended with exit code 3")
	for _, tt := range []struct {
		name    string
		answers []string
		dies    bool
		want    string // in the error of the last of two requests
	}{
		{"fails", []string{`{"out": "ok"}`, `{"code": 2, "err": "no such flag"}`}, false, "exit code 2"},
		{"ends", []string{`{"out": "ok"}`}, false, "exit code 137: out of memory"},
		{"dies with its role", []string{`{"out": "ok"}`}, true, death.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, die := context.WithCancelCause(t.Context())
			defer die(nil)
			process := &served{answers: tt.answers}
			if tt.dies {
				process.died = func() { die(death) }
			}
			r := stay(ctx, process)
			var out, errs strings.Builder
			if err := r.Run(t.Context(), nil, &out, &errs, "usage"); err != nil || out.String() != "ok" {
				t.Fatalf("got %q, %v", &out, err)
			}
			err := r.Run(t.Context(), nil, &out, &errs, "usage")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestResidentGivenUp: nothing waits for an answer longer than its context lasts.
func TestResidentGivenUp(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	r := stay(t.Context(), hung{})
	given := errors.New("not done in time")
	end(given)
	if err := r.Run(ctx, nil, io.Discard, io.Discard, "usage"); !errors.Is(err, given) {
		t.Errorf("got %v, want %v", err, given)
	}
}

// hung is a role beside which nothing answers.
type hung struct{ testbed.Process }

func (hung) Run(ctx context.Context, _ io.Reader, _, _ io.Writer, _ ...string) error {
	<-ctx.Done()
	return ctx.Err()
}
