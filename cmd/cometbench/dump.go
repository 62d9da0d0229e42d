package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"cometbench/eventdb"
	"cometbench/internal/command"
)

const dumpUsage = `usage: cometbench dump [-summary] [-json] [-name NAME] PATH

Prints each entry of the event database at PATH as a line KEY VALUE, the value
as stored, sorted by key. PATH is what a Comet calls its database: a file of any
format that Python's dbm has used (but for Berkeley DB 1.85, as on macOS), or its
name without .db or .dir and .dat; or a folder or a tar archive that holds one;
or - for a tar archive on stdin.
A database that is damaged, or written to meanwhile, is an error, and then no
entry is printed.

`

// runDump prints an event database.
func runDump(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("dump", flag.ContinueOnError)
	summary := fs.Bool("summary", false, "print how many entries there are, the first and the last time (Unix time "+
		"in\nseconds), the seconds between them and the file's format instead")
	asJSON := fs.Bool("json", false, "print JSON: an object for each entry, or one for the summary")
	name := fs.String("name", "", "the `path` of the database in the archive on stdin, if it holds several")
	fs.Usage = func() {
		io.WriteString(fs.Output(), dumpUsage)
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return command.UsageErrorf("dump: want one database, got %d arguments", fs.NArg())
	}
	path := fs.Arg(0)
	if *name != "" && path != "-" {
		return command.UsageErrorf("dump: -name %q: got it with %s, want it with - (an archive on stdin) only",
			*name, path)
	}
	var db *eventdb.DB
	var err error
	if path == "-" {
		in := interruptible(ctx, std.In)
		db, err = eventdb.OpenTar(in, *name)
		in.Close()
	} else {
		db, err = eventdb.Open(path)
	}
	if err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	out := bufio.NewWriterSize(std.Out, 64<<10)
	if *summary {
		err = dumpSummary(ctx, out, db, *asJSON)
	} else {
		err = dumpEntries(ctx, out, db, *asJSON)
	}
	if err = errors.Join(err, out.Flush(), db.Close()); err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	return nil
}

// interruptible returns what r has to read until ctx is done. A read of r itself
// may have no end, such as that of a terminal: it is left behind.
func interruptible(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	return out
}

func dumpEntries(ctx context.Context, out *bufio.Writer, db *eventdb.DB, asJSON bool) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for e, err := range db.Sorted(ctx) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if asJSON {
			if !utf8.Valid(e.Key) || !utf8.Valid(e.Value) {
				return fmt.Errorf("-json: got key %q, value %q, want UTF-8", e.Key, e.Value)
			}
			err = encoder.Encode(struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			}{string(e.Key), string(e.Value)})
		} else {
			out.Write(e.Key)
			out.WriteByte(' ')
			out.Write(e.Value)
			err = out.WriteByte('\n') // and every earlier error
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func dumpSummary(ctx context.Context, out io.Writer, db *eventdb.DB, asJSON bool) error {
	s, err := db.Summary(ctx)
	if err != nil {
		return err
	}
	first, last := "none", "none"
	if s.Entries > 0 {
		first, last = unixSeconds(s.First), unixSeconds(s.Last)
	}
	seconds := unixSeconds(s.Span())
	if !asJSON {
		_, err = fmt.Fprintf(out, "entries: %d\nfirst: %s\nlast: %s\nseconds: %s\nformat: %s\n", s.Entries, first,
			last, seconds, s.Format)
		return err
	}
	object := struct {
		Entries    int          `json:"entries"`
		First      *json.Number `json:"first"` // Unix time in seconds, exact
		Last       *json.Number `json:"last"`
		Seconds    json.Number  `json:"seconds"`
		Resolution float64      `json:"resolution_seconds"`
		Format     string       `json:"format"`
	}{s.Entries, nil, nil, json.Number(seconds), s.Resolution.Seconds(), s.Format}
	if s.Entries > 0 {
		object.First, object.Last = (*json.Number)(&first), (*json.Number)(&last)
	}
	return json.NewEncoder(out).Encode(object)
}

// unixSeconds writes a time as the decimal number of seconds since 1970, with
// all its digits and at least one decimal.
func unixSeconds(t time.Time) string {
	decimals := strings.TrimRight(fmt.Sprintf("%09d", t.Nanosecond()), "0")
	if decimals == "" {
		decimals = "0"
	}
	return fmt.Sprintf("%d.%s", t.Unix(), decimals)
}
