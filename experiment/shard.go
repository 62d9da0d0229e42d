package experiment

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/campaign"
)

// Shard is a share of a plan: the third of twenty. The zero Shard is all of it.
type Shard struct{ Number, Of int }

// mostShards is far above the machines that anybody has.
const mostShards = 10_000

// parseShard reads "3/20", and "" as all.
func parseShard(s string) (Shard, error) {
	if s == "" {
		return Shard{}, nil
	}
	number, of, ok := strings.Cut(s, "/")
	n, err := strconv.Atoi(number)
	all, bad := strconv.Atoi(of)
	if !ok || err != nil || bad != nil || n < 1 || n > all || all > mostShards {
		return Shard{}, fmt.Errorf("%q: want which share, and of how many, from 1/1 to %d/%[2]d, such as 3/20", s,
			mostShards)
	}
	return Shard{n, all}, nil
}

// String returns "3/20".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Number, s.Of) }

// arguments returns the flags that a plan depends on, as they were given.
func (f *Flags) arguments() []string {
	ownOfShard := []string{"shard", "results", "resume", "test.count"}
	list := []string{}
	f.set.Visit(func(f *flag.Flag) {
		if slices.Contains(ownOfShard, f.Name) || strings.HasPrefix(f.Name, "test.") && f.Name != "test.bench" {
			return
		}
		if name := strings.TrimPrefix(f.Name, "test."); name != "bench" || f.Value.String() != "." {
			list = append(list, "-"+name+"="+f.Value.String())
		}
	})
	return list
}

// share returns those of the cells that are this process's to run, and notes the
// whole plan.
func (s *Series) share(o *Options, cells []matrix.Cell) []matrix.Cell {
	if o.Shard.Of == 0 {
		return cells
	}
	plan := campaign.New(cells, o.Count, o.Shard.Of).Of(o.Shard.Number)
	plan.Arguments = o.Arguments
	s.campaign = &plan
	return plan.Share()
}

// keepPlan writes the whole plan into the tree. Of a tree that has another one, or
// is to be gone on with without -resume, nothing is touched.
func (s *Series) keepPlan() error {
	if s.campaign == nil {
		return nil
	}
	before, err := campaign.Read(s.tree.Dir)
	if err != nil {
		return err
	}
	if before != nil {
		difference := before.Difference(*s.campaign)
		switch {
		case before.Shard != s.campaign.Shard:
			return fmt.Errorf("%s is shard %d, not %d: choose another folder with -results", s.tree.Dir, before.Shard,
				s.campaign.Shard)
		case difference != "":
			return fmt.Errorf("%s is of another plan: %s: choose another folder with -results", s.tree.Dir, difference)
		case !s.resume:
			return fmt.Errorf("%s is the tree of this shard: go on with it by -resume", s.tree.Dir)
		}
	}
	return s.campaign.Write(s.tree.Dir)
}

// shard says how much of the plan is made here.
func (s *Series) shard() results.ConfigLine {
	p := s.campaign
	return results.ConfigLine{Key: "shard", Value: fmt.Sprintf("%d/%d, %d of %d cells", p.Shard, p.Shards,
		len(s.plan.cells), len(p.Cells))}
}
