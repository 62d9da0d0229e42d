package results

import (
	"fmt"
	"regexp"
	"strings"

	"cometbench/matrix"
)

// benchLog is what a benchmark logged besides its records: what runs warn of, what
// limited them, and the reasons of void runs.
type benchLog struct {
	warnings    map[int][]string // by the line of the record, from 1
	bottlenecks map[int]Bottleneck
	void        []VoidRun
}

var (
	logLine  = regexp.MustCompile(`^    (?:\S+\.go:[0-9]+: |    )(.*)$`)
	logFirst = regexp.MustCompile(`^    \S+\.go:[0-9]+: `)
	logMark  = regexp.MustCompile(`^(` + benchmarkName + `\S+\s+)?--- (BENCH|FAIL|SKIP): (` + benchmarkName + `\S+)$`)
	record   = regexp.MustCompile(`^` + benchmarkName + `\S+\s+[0-9]+\s`)
)

// readLog reads the log of a benchmark. package testing prints the messages of a
// run after its record, or after the mark of its failure, which it prints a second
// time for the benchmark as a whole; with -v or -json, it prints them before both.
func readLog(text, name string) benchLog {
	l := benchLog{warnings: make(map[int][]string), bottlenecks: make(map[int]Bottleneck)}
	var messages []string // that belong to what comes next
	var end func()        // takes the messages for what came last
	flush := func() {
		if end != nil {
			end()
			messages, end = nil, nil
		}
	}
	last, failed, number := 0, false, 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if m := logLine.FindStringSubmatch(line); m != nil {
			if n := len(messages); n > 0 && !logFirst.MatchString(line) {
				messages[n-1] += "\n" + m[1]
			} else {
				messages = append(messages, m[1])
			}
			continue
		}
		flush()
		mark := logMark.FindStringSubmatch(line)
		switch {
		case record.MatchString(line):
			last, failed = number, false
			l.warn(last, messages)
		case mark != nil && mark[2] == "BENCH":
			at := last
			end = func() { l.warn(at, messages) }
			continue
		case mark != nil && mark[1] != "":
			at := number
			failed = true
			end = func() { l.fail(name, at, mark[3], messages) }
			continue
		case mark != nil && failed:
			end = func() {} // the same once more
			continue
		case mark != nil && len(messages) > 0:
			l.fail(name, number, mark[3], messages)
			failed = true
		}
		messages = nil
	}
	flush()
	return l
}

// warn adds the warnings among a run's messages, and its bottleneck.
func (l *benchLog) warn(line int, messages []string) {
	for _, m := range messages {
		if text, ok := strings.CutPrefix(m, "warning: "); ok {
			l.warnings[line] = append(l.warnings[line], text)
			if limit := Bottleneck(text); limit.Doubtful() {
				l.bottlenecks[line] = limit
			}
		}
		if text, ok := strings.CutPrefix(m, "bottleneck: "); ok {
			l.bottlenecks[line] = Bottleneck(text)
		}
	}
}

// fail adds a void run; the last message is the reason.
func (l *benchLog) fail(name string, line int, benchmark string, messages []string) {
	cell, err := matrix.ParseName(strings.TrimPrefix(benchmark, "Benchmark"))
	if err != nil {
		return
	}
	why := "no reason was logged"
	if n := len(messages); n > 0 {
		why = strings.TrimPrefix(messages[n-1], "void: ")
	}
	l.void = append(l.void, VoidRun{Cell: cell, Name: fmt.Sprintf("%s:%d: %s", name, line, cell), Why: why})
}
