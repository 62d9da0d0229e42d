package bisect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aclements/go-moremath/stats"
)

// TestSearch: without noise a search takes as many steps as halving does, or a
// few more, and its answer is the commit.
func TestSearch(t *testing.T) {
	for _, n := range []int{1, 2, 3, 64} {
		for slow := 1; slow <= n; slow++ {
			s, err := NewSearch(n, Step{Size: 0.1, Noise: 0.005, Rounds: 5})
			if err != nil {
				t.Fatal(err)
			}
			measured := 0
			best, done := s.Best()
			for ; !done; best, done = s.Best() {
				if measured++; measured > 9 {
					t.Fatalf("%d of %d: not found after %d measurements, %d left", slow, n, measured, s.Left())
				}
				commit := s.Next()
				value := 0.0
				if commit >= slow {
					value = 0.1
				}
				s.Observe(commit, value)
			}
			if best.Good != slow-1 || best.Bad != slow || s.Left() != 1 {
				t.Errorf("%d of %d: got %+v, %d left", slow, n, best, s.Left())
			}
		}
	}
}

// TestSkip: commits that can't be measured are never asked for, and the answer is
// all that can't be told apart.
func TestSkip(t *testing.T) {
	s, err := NewSearch(8, Step{Size: 0.1, Noise: 0.01, Rounds: 5})
	if err != nil {
		t.Fatal(err)
	}
	skipped := []int{4, 5}
	var best Range
	for range 20 {
		var done bool
		if best, done = s.Best(); done {
			break
		}
		commit := s.Next()
		if slices.Contains(skipped, commit) {
			s.Skip(commit)
			continue
		}
		s.Observe(commit, map[bool]float64{false: 0, true: 0.1}[commit >= 5])
	}
	if best.Good != 3 || best.Bad != 6 || best.Probability < enough {
		t.Errorf("got %+v, want the commits after 3 up to 6", best)
	}
}

// TestRefused: what no search can be made of.
func TestRefused(t *testing.T) {
	for _, step := range []Step{
		{}, {Size: -0.1, Noise: 0.1, Rounds: 5}, {Size: 0.1, Rounds: 5}, {Size: 0.1, Noise: 0.1, Rounds: 1},
	} {
		if _, err := NewSearch(8, step); err == nil {
			t.Errorf("%+v is taken", step)
		}
	}
	if _, err := NewSearch(0, Step{Size: 0.1, Noise: 0.1, Rounds: 5}); err == nil {
		t.Error("no commits are taken")
	}
}

// equals are values of real rounds of equals in work, from ../paired/testdata:
// those of a machine that was calm, and of one with six busy neighbours.
var equals = map[string][]float64{
	"calm": {
		-0.0058, -0.0357, -0.0186, -0.0152, -0.0153, 0.0128, 0.0398, -0.0285,
	},
	"busy": {
		-0.0320, 0.0062, 0.0263, 0.0069, -0.0094, 0.0123, -0.0008, -0.0165, 0.0006, -0.0110, 0.0082,
		-0.0101, 0.0276, -0.0058,
	},
}

// TestSimulated makes searches over 64 commits, of which one has 10 % more work,
// with the noise of real rounds. Size and noise of the step are those of five
// rounds, as in a real search: at least 19 of 20 searches find the commit.
func TestSimulated(t *testing.T) {
	const commits, searches = 64, 400
	for name, noise := range equals {
		rng := rand.New(rand.NewPCG(3, uint64(len(noise))))
		round := func(slow bool) float64 {
			value := noise[rng.IntN(len(noise))]
			if rng.IntN(2) == 1 { // which of two equals is called old is chance
				value = -value
			}
			if slow {
				value += math.Log(1.1)
			}
			return value
		}
		right, measured := 0, 0
		for range searches {
			slow := 1 + rng.IntN(commits)
			var whole []float64
			for range 5 {
				whole = append(whole, round(true))
			}
			s, err := NewSearch(commits, Step{stats.Mean(whole), stats.StdDev(whole), len(whole)})
			if err != nil {
				t.Fatal(err)
			}
			best, done := s.Best()
			for ; !done; best, done = s.Best() {
				commit := s.Next()
				s.Observe(commit, round(commit >= slow))
				measured++
			}
			if best.Good == slow-1 && best.Bad == slow {
				right++
			}
		}
		t.Logf("%s: %d of %d are right, after %.1f rounds in the mean", name, right, searches,
			float64(measured)/searches)
		if right < searches*19/20 {
			t.Errorf("%s: %d of %d are right, want 19 of 20", name, right, searches)
		}
	}
}
