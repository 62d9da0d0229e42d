package results

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"cometbench/matrix"
)

// ErrForeign is wrapped by errors about what is in a tree and isn't part of
// it: nothing that was measured is lost by it.
var ErrForeign = errors.New("not part of a tree of runs")

// Found is a run that was read from a tree.
type Found struct {
	// Path is where it is below the tree's folder, slash-separated.
	Path string
	Run  *Run

	log authorLog
}

// Scan reads the runs of a tree in the order of its folders: brokers,
// latencies, connections, numbers. It reads trees of the original experiment
// (no level of brokers, no run.json) as well, and a single broker's folder.
//
// Each run is read from its files: the author's log and both databases; what
// run.json says of them must agree. A void run, whose Void is the reason, is
// read from its run.json alone; the void runs of a cell come after its others.
// Runs are read in parallel, and only those that are being read are in memory.
//
// An error is about one run or one file, is a *[fs.PathError] that names it, and
// doesn't end the scan. Errors that wrap [ErrForeign] are about what isn't
// a run.
func Scan(ctx context.Context, dir string) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()

		// More than there are processors: while some wait for the disk, others
		// compute.
		workers := 4 * runtime.GOMAXPROCS(0)
		slots := make(chan struct{}, workers)
		queue := make(chan chan result, 2*workers)
		wg.Go(func() {
			defer close(queue)
			for item := range walk(dir) {
				done := make(chan result, 1)
				select {
				case queue <- done:
				case <-ctx.Done():
					return
				}
				if item.err != nil {
					done <- result{errs: []error{item.err}}
					continue
				}
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					done <- result{}
					return
				}
				wg.Go(func() {
					defer func() { <-slots }()
					done <- item.read(ctx, dir)
				})
			}
		})
		for done := range queue {
			var r result
			select {
			case r = <-done:
			case <-ctx.Done():
			}
			if err := ctx.Err(); err != nil {
				yield(Found{}, fmt.Errorf("reading %s: %w", dir, context.Cause(ctx)))
				return
			}
			for _, err := range r.errs {
				if !yield(Found{}, err) {
					return
				}
			}
			if r.found.Run != nil && !yield(r.found, nil) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(Found{}, fmt.Errorf("reading %s: %w", dir, context.Cause(ctx)))
		}
	}
}

// result is the result of reading one run: the run unless it is broken, and
// what is wrong.
type result struct {
	found Found
	errs  []error
}

// item is a run's folder on its way to be read, or what was found instead.
type item struct {
	path   string // below the tree's folder, slash-separated
	cell   matrix.Cell
	number int
	void   bool
	err    error
}

// runItem reads the name of a run's folder.
func runItem(name string) (i item, ok bool) {
	if i.number, ok = parseRun(name, runPrefix); !ok {
		i.number, ok = parseRun(name, voidPrefix)
		i.void = ok
	}
	return i, ok
}

// walk finds the runs of a tree, in order.
func walk(dir string) iter.Seq[item] {
	return func(yield func(item) bool) {
		w := walker{dir: dir, yield: yield}
		w.top()
	}
}

type walker struct {
	dir   string
	yield func(item) bool
	done  bool
}

func (w *walker) emit(i item) {
	if !w.done {
		w.done = !w.yield(i)
	}
}

func (w *walker) fail(name string, err error) { w.emit(item{err: w.error(name, err)}) }

// foreign reports what isn't part of a tree. If there are runs in it, they are
// left out, and the error says so.
func (w *walker) foreign(name, text string) {
	err := fmt.Errorf("%w: %s", ErrForeign, text)
	if run := findLog(filepath.Join(w.dir, filepath.FromSlash(name))); run != "" {
		err = fmt.Errorf("%s is left out: %s", run, text)
	}
	w.fail(name, err)
}

// findLog returns the path of an author's log in a folder or below it, "" if
// there is none.
func findLog(dir string) string {
	found := ""
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // what can't be read has no run for us
		}
		if e.Name() == LogFile {
			found = name
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// error makes the error about a file or folder of the tree.
func (w *walker) error(name string, err error) error { return pathError(w.dir, name, err) }

func pathError(dir, name string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: "reading", Path: filepath.Join(dir, filepath.FromSlash(name)), Err: err}
}

// top walks the tree's folder, where brokers and latencies may stand.
func (w *walker) top() {
	w.each("", "a broker's or latency's folder", func(name string) (float64, bool) {
		if l, err := matrix.ParseLatency(name); err == nil {
			return 1 + l.Seconds(), true
		}
		return 0, !strings.HasPrefix(name, ".") // brokers first, by name
	}, func(name string) {
		if _, err := matrix.ParseLatency(name); err == nil {
			w.latency(matrix.Cell{}, name)
			return
		}
		entries, err := os.ReadDir(filepath.Join(w.dir, name))
		if err != nil {
			w.fail(name, err)
			return
		}
		isLatency := func(e os.DirEntry) bool { _, err := matrix.ParseLatency(e.Name()); return err == nil }
		if !slices.ContainsFunc(entries, isLatency) {
			w.foreign(name, "it holds no latency's folder, such as 100ms")
			return
		}
		w.each(name, "a latency's folder, such as 100ms", func(name string) (float64, bool) {
			l, err := matrix.ParseLatency(name)
			return l.Seconds(), err == nil
		}, func(name string) {
			broker, _ := path.Split(name)
			w.latency(matrix.Cell{Broker: path.Clean(broker)}, name)
		})
	})
}

func (w *walker) latency(cell matrix.Cell, name string) {
	var err error
	if cell.Latency, err = matrix.ParseLatency(path.Base(name)); err != nil {
		w.fail(name, err)
		return
	}
	w.each(name, "a folder of connections, such as 64c", func(name string) (float64, bool) {
		var c matrix.Cell
		err := c.ParseDir(name)
		return float64(c.Conns) + c.Rate/(matrix.MaxRate+1), err == nil
	}, func(name string) {
		cell := cell
		if err := cell.ParseDir(path.Base(name)); err != nil {
			w.fail(name, err)
			return
		}
		w.each(name, "a run's folder, such as run7", func(name string) (float64, bool) {
			i, ok := runItem(name)
			if i.void {
				return math.Inf(1), ok
			}
			return float64(i.number), ok
		}, func(name string) {
			i, _ := runItem(path.Base(name))
			i.path, i.cell = name, cell
			w.emit(i)
		})
	})
}

// each calls visit with every folder in the folder name whose own name has a
// rank, in the order of the ranks, and reports everything else. What it wants
// is for the report.
func (w *walker) each(name, want string, rank func(string) (float64, bool), visit func(string)) {
	entries, err := os.ReadDir(filepath.Join(w.dir, filepath.FromSlash(name)))
	if err != nil {
		w.fail(name, err)
		return
	}
	type child struct {
		name string
		rank float64
	}
	var children []child
	for _, e := range entries {
		if name == "" && strings.HasPrefix(e.Name(), stagingPrefix) {
			continue // a run that is being made
		}
		if name == "" && strings.HasPrefix(e.Name(), PlanFile) {
			continue // or one that is being written
		}
		full := path.Join(name, e.Name())
		r, ok := rank(e.Name())
		if ok && !e.IsDir() {
			info, err := os.Stat(filepath.Join(w.dir, filepath.FromSlash(full)))
			if err != nil {
				w.fail(full, err)
				continue
			}
			ok = info.IsDir() // a link to a folder will do
		}
		if !ok {
			w.foreign(full, "want "+want)
			continue
		}
		children = append(children, child{full, r})
	}
	slices.SortStableFunc(children, func(a, b child) int { return cmp.Compare(a.rank, b.rank) })
	if len(children) == 0 && name != "" {
		w.fail(name, fmt.Errorf("%w: it is empty: want %s", ErrForeign, want))
	}
	for _, c := range children {
		if w.done {
			return
		}
		visit(c.name)
	}
}
