package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/subject"
)

// Check refuses what can't be done: it tries to keep runs, and to add a latency.
func (s *Series) Check(ctx context.Context) error {
	if s.tree != nil {
		if err := s.checkTree(ctx); err != nil {
			return fmt.Errorf("-results: %w", err)
		}
	}
	if err := s.tryLatencies(ctx); err != nil {
		return fmt.Errorf("-latency: %w", err)
	}
	if len(s.plan.cells) == 0 && s.campaign == nil { // there may be more shards than cells
		return fmt.Errorf("nothing can be measured here: %w", errors.Join(s.leftOut...))
	}
	if err := s.checkKept(); err != nil {
		return fmt.Errorf("-resume: %w", err)
	}
	return nil
}

// tryLatencies tries to delay what is sent to each broker that is to be run with
// latency. One container tells for all.
func (s *Series) tryLatencies(ctx context.Context) error {
	tried, ofContainers := make(map[string]bool), ""
	for _, cell := range slices.Clone(s.plan.cells) {
		if cell.Latency == 0 || tried[cell.Broker] {
			continue
		}
		tried[cell.Broker] = true
		if ofContainers != "" && s.subjects[cell.Broker].inContainers(cell) {
			s.delays[cell.Broker] = ofContainers
			continue
		}
		if err := s.tryLatency(ctx, cell); err != nil {
			return err
		}
		if s.subjects[cell.Broker].inContainers(cell) {
			ofContainers = s.delays[cell.Broker]
		}
	}
	return nil
}

// tryLatency tries to delay what is sent to the broker of a cell. Where this
// machine can't delay a process, the embedded broker's cells with latency are run
// in containers, or left out where there is no engine.
func (s *Series) tryLatency(ctx context.Context, cell matrix.Cell) error {
	trial := cell
	trial.Latency, trial.Conns, trial.Events = time.Millisecond, 1, 1
	sub := s.subjects[cell.Broker]
	run, err := s.once(ctx, trial, "", s.watch)
	inside, engine := sub.inContainers(trial), s.config.Testbed.Engine() != ""
	if errors.Is(err, netem.ErrUnsupported) && !inside && engine {
		sub.delayedInside, inside = true, true
		run, err = s.once(ctx, trial, "", s.watch)
	}
	switch {
	case err == nil:
		s.delays[cell.Broker] = run.Netem
		return nil
	case s.campaign == nil && sub.Kind == subject.Embedded &&
		(errors.Is(err, netem.ErrUnsupported) || inside && !engine):
	default:
		return fmt.Errorf("try to delay what the author sends: %w", err)
	}
	s.leftOut = append(s.leftOut, fmt.Errorf("%s with latency: %w", cell.Broker, err))
	s.plan.cells = slices.DeleteFunc(s.plan.cells, func(c matrix.Cell) bool {
		return c.Broker == cell.Broker && c.Latency > 0
	})
	return nil
}

// checkTree says what the runs will take, and refuses what can't be kept.
func (s *Series) checkTree(ctx context.Context) error {
	if err := s.tree.Check(); err != nil {
		return err
	}
	if err := s.keepPlan(); err != nil {
		return err
	}
	if s.resume {
		if err := s.readKept(ctx); err != nil {
			return err
		}
	}
	space, err := s.tree.Space(s.plan.missing())
	if err != nil {
		return err
	}
	if !space.Enough() {
		return fmt.Errorf("%s: %s: make space, or choose another folder", s.tree.Dir, space)
	}
	s.line.Say("%s: %s", s.tree.Dir, space)
	return nil
}
