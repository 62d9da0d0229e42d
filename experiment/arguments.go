package experiment

import (
	"errors"
	"slices"

	"cometbench/subject"
)

// mostSaved is how many events a Comet may save: each file takes a page of 4 KiB
// or more of the 2 GiB in memory that there are for them.
const mostSaved = 400_000

// withArguments gives further arguments to every Comet among the brokers.
func withArguments(brokers []subject.Subject, line string) ([]subject.Subject, error) {
	if line == "" {
		return brokers, nil
	}
	if !slices.ContainsFunc(brokers, subject.Subject.IsComet) {
		return nil, errors.New("no Comet is measured that could take them: name one with -broker")
	}
	list := slices.Clone(brokers)
	for i, b := range list {
		if !b.IsComet() {
			continue
		}
		var err error
		if list[i], err = b.WithArguments(line); err != nil {
			return nil, err
		}
		list[i].Name += " " + line
	}
	return list, nil
}
