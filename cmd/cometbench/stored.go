package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"cometbench/experiment"
	"cometbench/results/compare"
)

// storedRounds is how many rounds a comparison with stored figures has in each cell.
const storedRounds = 6

// readStored reads an earlier comparison.
func readStored(path string) (d *compare.Document, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if d, err = compare.ReadDocument(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// runStored makes rounds with the new broker on both sides, so that it is measured
// as it would be beside the old one, and judges them by what is stored. The first
// round shows whether that can be done.
func (c *comparison) runStored(ctx context.Context, series *experiment.Series) (*compare.Verdict, error) {
	c.input.Started = time.Now()
	for range storedRounds {
		for _, cell := range c.input.Cells {
			if time.Since(c.input.Started) > c.budget {
				c.input.Interrupted = fmt.Sprintf("the budget of %v is used up", c.budget)
				return compare.JudgeStored(c.stored, c.input, c.options), nil
			}
			round := c.round(ctx, series, compare.Round{Cell: cell})
			if ctx.Err() != nil {
				c.input.Interrupted = "interrupted"
				return compare.JudgeStored(c.stored, c.input, c.options), nil
			}
			if len(round.At) > 0 { // whichever side, it was the new broker
				round.At = []compare.Side{compare.New}
			}
			c.input.Rounds = append(c.input.Rounds, round)
			c.input.Took = time.Since(c.input.Started)
			if round.Void == "" && !slices.ContainsFunc(c.input.Rounds[:len(c.input.Rounds)-1],
				func(r compare.Round) bool { return r.Void == "" }) {
				if err := compare.Comparable(c.stored, c.input); err != nil {
					return nil, err
				}
			}
		}
	}
	return compare.JudgeStored(c.stored, c.input, c.options), nil
}
