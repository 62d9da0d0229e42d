package vtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	var wire []byte
	payloads := []string{"", "x", strings.Repeat("y", MaxPayload)}
	for _, p := range payloads {
		wire = AppendFrame(wire, []byte(p))
	}
	r := bytes.NewReader(wire)
	for _, p := range payloads {
		got, err := ReadFrame(r, nil)
		if err != nil || string(got) != p {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, len(p))
		}
	}
	if _, err := ReadFrame(r, nil); err != io.EOF {
		t.Errorf("at the end: got %v, want io.EOF", err)
	}
	if _, err := ReadFrame(bytes.NewReader([]byte{0, 0, 0, 9, 'x'}), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame cut short: got %v, want io.ErrUnexpectedEOF", err)
	}
	long := binary.BigEndian.AppendUint32(nil, MaxPayload+1)
	if _, err := ReadFrame(bytes.NewReader(long), nil); !errors.Is(err, ErrTooLong) {
		t.Errorf("a frame too long: got %v, want ErrTooLong", err)
	}
}

// TestReadFrameTakesMemoryAsItReads reads headers that promise a MiB.
func TestReadFrameTakesMemoryAsItReads(t *testing.T) {
	header := binary.BigEndian.AppendUint32(nil, MaxPayload)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const headers = 100
	for range headers {
		if _, err := ReadFrame(bytes.NewReader(header), nil); err == nil {
			t.Fatal("got no error for a header alone")
		}
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) / headers; took > 16<<10 {
		t.Errorf("a header alone took %d bytes", took)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'x'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add(AppendFrame(nil, make([]byte, 3*firstRead)))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := ReadFrame(bytes.NewReader(b), nil)
		if err != nil {
			return
		}
		if wire := AppendFrame(nil, payload); !bytes.HasPrefix(b, wire) {
			t.Errorf("got %q of %q", payload, b)
		}
	})
}
