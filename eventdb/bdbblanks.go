package eventdb

import (
	"fmt"
	"math/bits"
)

// blanks are the buckets whose page is all zeros. The buckets with which a
// file is made are so until a key hashes to them; those that were split off
// later never are. A page lost to zeros looks the same, so that every blank
// one has to be plausible.
type blanks struct {
	n         int
	likeliest uint32  // the blank bucket to which most keys would hash
	weight    float64 // the share of all keys that would
	highest   uint32
}

// add notes a blank bucket, and returns false if it can't be one of those with
// which the file was made. These are two, unless the writer said beforehand
// how many entries to expect (recorded in l.elements) and how many to put in a
// bucket (in l.fill).
func (b *blanks) add(l *bdbLayout, bucket uint32) bool {
	weight := 1 / (float64(l.highMask) + 1)
	if low := bucket & l.lowMask; low|(l.lowMask+1) > l.maxBucket {
		weight *= 2 // not split yet in this round
	}
	if b.n == 0 || weight > b.weight {
		b.likeliest, b.weight = bucket, weight
	}
	b.n++
	b.highest = max(b.highest, bucket)
	if bucket < 2 {
		return true
	}
	half := uint64(1) << (bits.Len32(bucket) - 1)
	return l.fill != 0 && uint64(l.elements) > half*uint64(l.fill)
}

// merge adds those of another part of the file.
func (b *blanks) merge(o *blanks) {
	if o.weight > b.weight {
		b.likeliest, b.weight = o.likeliest, o.weight
	}
	b.n += o.n
	b.highest = max(b.highest, o.highest)
}

// doubt returns what was expected and found if n entries make it implausible
// that none hashed to a blank bucket: by chance that happens once in three
// million files.
func (b *blanks) doubt(l *bdbLayout, n uint64) (want, got string) {
	if b.n == 0 {
		return "", ""
	}
	if expected := b.weight * float64(n); expected > 15 {
		return fmt.Sprintf("about %.0f entries in bucket %d", expected, b.likeliest), "zeros"
	}
	// Python's ndbm keeps up a count, which begins at one.
	if b.highest < 2 && l.fill == bdbPythonNdbm && l.elements != 0 && uint64(l.elements) != n+1 {
		return fmt.Sprintf("%d entries, of which some in bucket %d", l.elements-1, b.likeliest), fmt.Sprintf("%d, and zeros", n)
	}
	return "", ""
}
