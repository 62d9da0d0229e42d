package proctree

import (
	"strings"
	"testing"
	"time"
)

// text is what grep prints in a container: timeout and a shell hold a broker,
// which has two threads and has waited for children; a command looks at them.
const text = `/proc/1/stat:1 (timeout) S 0 1 1 0 -1 4194560 95 0 0 0 1 1 0 0 20 0 1 0 100 0 0
/proc/7/stat:7 (sh) S 1 1 1 0 -1 4194560 95 0 0 0 0 0 0 0 20 0 1 0 100 0 0
/proc/8/stat:8 (a (b) R 1) S 7 1 1 0 -1 4194560 95 0 0 0 90 10 20 5 20 0 2 0 100 0 0
/proc/9/stat:9 (sh) R 0 1 1 0 -1 4194560 95 0 0 0 90 10 20 5 20 0 2 0 100 0 0
/proc/1/status:VmHWM:	    1696 kB
/proc/8/status:Name:	a (b) R 1
/proc/8/status:VmHWM:	   73808 kB
/proc/8/status:VmRSS:	    1000 kB
/proc/1/task/1/schedstat:21032059 58245838 181
/proc/8/task/8/schedstat:900000000 654397634 2498
/proc/8/task/10/schedstat:300000000 20 30
`

func TestParse(t *testing.T) {
	files, err := ParseFiles(text)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := files.Tree(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if want := 1200*time.Millisecond + 250*time.Millisecond; tree.CPU != want {
		t.Errorf("got %v, want %v: what lives, and children that have ended", tree.CPU, want)
	}
	if want := int64(73808 << 10); tree.PeakRSS != want {
		t.Errorf("got a peak of %d bytes, want %d", tree.PeakRSS, want)
	}
	if tree.Runnable || len(tree.Threads) != 2 {
		t.Errorf("got %+v, want two threads that sleep", tree)
	}
	all, err := files.Tree(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := tree.PeakRSS + 1696<<10; all.PeakRSS != want {
		t.Errorf("with its holders: got a peak of %d bytes, want %d", all.PeakRSS, want)
	}
	files["8/task/10/stat"] = "10 (a (b) S) R 7"
	if tree, _ = files.Tree(1, 2); !tree.Runnable {
		t.Error("a thread that runs isn't seen")
	}
}

// TestEndedThreads: the time of threads that have ended is in that of their
// process only, in ticks.
func TestEndedThreads(t *testing.T) {
	files, err := ParseFiles(strings.Replace(text, "90 10 20 5", "300 10 20 5", 1))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := files.Tree(8, 0)
	if want := 3350 * time.Millisecond; err != nil || tree.CPU != want {
		t.Errorf("got %v, %v, want %v", tree.CPU, err, want)
	}
}

func TestBusiest(t *testing.T) {
	before := map[int]Thread{1: {100, 7}, 2: {50, 0}}
	after := map[int]Thread{1: {110, 8}, 2: {80, 3}, 3: {20, 20}}
	if ran, waited := Busiest(before, after); ran != 30 || waited != 24 {
		t.Errorf("one ran for %d, all waited for %d, want 30 and 24", ran, waited)
	}
	if ran, waited := Busiest(nil, nil); ran != 0 || waited != 0 {
		t.Errorf("one ran for %d, all waited for %d, and there are none", ran, waited)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"no colon", "want a name below /proc"},
		{"/etc/8/stat:8", "want a name below /proc"},
		{"/proc/8/stat:8 (x) S 1 2", "want 17 fields"},
		{"/proc/8/stat:8 (x) S x 1 1 0 -1 4194560 95 0 0 0 90 10 20 5 20 0 2 0 100 0 0", "invalid syntax"},
		{text + "/proc/8/task/11/schedstat:1 x", "want three numbers"},
		{text + "/proc/7/status:VmHWM: much", "VmHWM"},
		{"/proc/7/status:", "process 8"},
	} {
		files, err := ParseFiles(tt.text)
		if err == nil {
			_, err = files.Tree(8, 0)
			if err == nil {
				_, err = files.Tree(1, 0)
			}
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

// FuzzTree: whatever a container sends is read or refused.
func FuzzTree(f *testing.F) {
	f.Add(text, 1, 2)
	f.Add("/proc/8/stat:8 (x) S 8 1", 8, 0)
	f.Fuzz(func(t *testing.T, text string, pid, holders int) {
		files, err := ParseFiles(text)
		if err != nil {
			return
		}
		if tree, err := files.Tree(pid, holders); err == nil && tree.Threads == nil {
			t.Error("a tree without an error has no threads")
		}
	})
}
