package figure

import (
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// TestFitServiceApart: the lines of theory go through cells of which theory holds, on
// one machine and between two that are 30 ms apart.
func TestFitServiceApart(t *testing.T) {
	const service, ms = 4 * time.Millisecond, time.Millisecond
	for _, apart := range []time.Duration{0, 30 * ms} {
		set := &results.Set{}
		if apart > 0 {
			set.Config = []results.ConfigLine{{Key: results.AuthorEngine, Value: "docker 28, context lab"}}
		}
		for _, latency := range []time.Duration{0, 100 * ms, 200 * ms} {
			run := results.RunFigures{RTT: latency + apart}
			cell := matrix.Cell{Broker: "b", Latency: latency, Conns: 1}
			m := results.CellRuns{Cell: cell, Runs: []results.RunFigures{run}}
			m.Rates[results.RoleAuthor].Mean = cell.TheoreticalRate(run.RTT, service)
			set.Cells = append(set.Cells, m)
		}
		got, want := FitService(set)["b"], service+2*apart
		if difference := (got - want).Abs(); difference > ms/100 {
			t.Errorf("%v apart: got %v, want %v", apart, got, want)
		}
	}
}
