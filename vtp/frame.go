package vtp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

// ErrTooLong says that a frame's length is above MaxPayload. Most often it is
// no frame at all, or its length is little-endian.
var ErrTooLong = errors.New("frame too long")

// AppendFrame appends payload as a frame to dst. The payload may have at most
// MaxPayload bytes.
func AppendFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// FrameSize returns the size in bytes of the frame that b begins with, its
// header included, and 0 where b is too short to tell. It may be larger than
// b. The error is ErrTooLong, wrapped.
func FrameSize(b []byte) (int, error) {
	if len(b) < HeaderSize {
		return 0, nil
	}
	n := binary.BigEndian.Uint32(b)
	if n > MaxPayload {
		return 0, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLong, n, MaxPayload)
	}
	return HeaderSize + int(n), nil
}

// ReadFrame reads one frame and returns its payload, in buf where it fits. The
// error is io.EOF where r ends before the frame begins, io.ErrUnexpectedEOF
// where it ends within.
func ReadFrame(r io.Reader, buf []byte) ([]byte, error) {
	// The header is read into buf too: a header of its own would escape to
	// the heap.
	if cap(buf) < HeaderSize {
		buf = make([]byte, 512)
	}
	header := buf[:HeaderSize]
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	size, err := FrameSize(header)
	if err != nil {
		return nil, err
	}
	n := size - HeaderSize
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf, nil
}
