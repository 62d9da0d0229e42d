package experiment

import (
	"context"
	"errors"

	"cometbench/results"
)

// do takes the steps of an experiment. Where runs are made one by one, its roles
// are removed while those of the next one start: what is removed must only be gone
// when the next one is measured.
func (s *Series) do(ctx context.Context, x *Experiment) (*results.Run, error) {
	if s.overlap > 1 {
		return x.Run(ctx)
	}
	begins := x.reached
	x.reached = func(p phase) {
		if p == measuring {
			s.awaitRemoval()
		}
		if begins != nil {
			begins(p)
		}
	}
	run, err := x.runOpen(ctx)
	s.awaitRemoval()
	removal := make(chan error, 1)
	go func() { removal <- x.Close(ctx) }()
	s.removal = removal
	return run, err
}

// awaitRemoval waits until the roles of the last run are gone. What went wrong is
// told when the series is closed: the run was as it should be.
func (s *Series) awaitRemoval() {
	if s.removal != nil {
		s.unremoved = errors.Join(s.unremoved, <-s.removal)
		s.removal = nil
	}
}
