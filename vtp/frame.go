package vtp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The TCP ports that VTP uses: a broker receives events from authors on
// DefaultPort and sends them to subscribers on BroadcastPort.
const (
	DefaultPort   = 8098
	BroadcastPort = 8099
)

// MaxPayload is the longest payload of a frame, in bytes. A longer one is
// refused by its length, before anything is allocated for it.
const MaxPayload = 1 << 20

// HeaderSize is what precedes a frame's payload, in bytes: the payload's
// length, big-endian.
const HeaderSize = 4

// ErrTooLong is the error of a frame longer than MaxPayload. Most often it is no
// frame at all, or its length is little-endian.
var ErrTooLong = errors.New("frame too long")

// AppendFrame appends payload as a frame to dst. The payload may have at most
// MaxPayload bytes.
func AppendFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// FrameSize returns the size in bytes of the frame that b begins with, its
// header included, which may be larger than b; 0 if b is shorter than a header.
// The error is ErrTooLong, wrapped.
func FrameSize(b []byte) (int, error) {
	if len(b) < HeaderSize {
		return 0, nil
	}
	n := binary.BigEndian.Uint32(b)
	if n > MaxPayload {
		return 0, fmt.Errorf("%w: got %d bytes, want at most %d", ErrTooLong, n, MaxPayload)
	}
	return HeaderSize + int(n), nil
}

// firstRead is how much of a payload is made room for at first, in bytes.
const firstRead = 4096

// ReadFrame reads one frame and returns its payload, in buf if it fits. Memory
// is taken as bytes arrive, not as the header promises them. The error is
// io.EOF if r ends before the frame, io.ErrUnexpectedEOF if it ends within it.
func ReadFrame(r io.Reader, buf []byte) ([]byte, error) {
	// The header is read into buf too: a header of its own would escape to
	// the heap.
	if cap(buf) < HeaderSize {
		buf = make([]byte, HeaderSize)
	}
	header := buf[:HeaderSize]
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	size, err := FrameSize(header)
	if err != nil {
		return nil, err
	}
	size -= HeaderSize
	for n := 0; n < size; {
		buf = slices.Grow(buf[:n], min(size-n, max(n, firstRead)))
		part := buf[n:min(size, cap(buf))]
		if _, err := io.ReadFull(r, part); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		n += len(part)
	}
	return buf[:size], nil
}
