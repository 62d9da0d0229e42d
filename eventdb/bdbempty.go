package eventdb

import (
	"fmt"
	"math"
	"math/bits"
)

// bdbNdbmFill is the number of entries per bucket that ndbm asks for. It also
// asks for room for one entry beforehand, from which its count goes up.
const bdbNdbmFill = 40

// emptyBuckets are the buckets without entries. One whose page was lost to
// zeros, or to an empty page, looks like a bucket to which no key hashes, so
// that every one of them has to be plausible.
type emptyBuckets struct {
	n            int
	likeliest    uint32  // the bucket to which most keys would hash
	weight       float64 // the share of all keys that would
	zeros        bool    // the page of one at least is all zeros
	highestZeros uint32
}

// add notes a bucket, and whether its page is all zeros.
func (e *emptyBuckets) add(l *bdbLayout, bucket uint32, zeros bool) {
	weight := 1 / (float64(l.highMask) + 1)
	if low := bucket & l.lowMask; low|(l.lowMask+1) > l.maxBucket {
		weight *= 2 // not split yet in this round
	}
	if e.n == 0 || weight > e.weight {
		e.likeliest, e.weight = bucket, weight
	}
	e.n++
	if zeros {
		e.zeros = true
		e.highestZeros = max(e.highestZeros, bucket)
	}
}

// doubt returns a bucket, and what was wanted and got there, if it is
// implausible that a file with n entries has none in it. Chance leaves a bucket
// empty that it shouldn't once in three million files.
func (e *emptyBuckets) doubt(l *bdbLayout, n uint64) (bucket uint32, want, got string) {
	if e.zeros && e.highestZeros >= l.firstBuckets(n)-1 {
		return e.highestZeros, fmt.Sprintf("the page of bucket %d", e.highestZeros), "zeros"
	}
	if e.n > 0 && -float64(n)*math.Log1p(-e.weight) > 15+math.Log(float64(l.maxBucket)+1) {
		return e.likeliest, fmt.Sprintf("about %.0f entries in bucket %d", math.Ceil(e.weight*float64(n)), e.likeliest),
			"none"
	}
	return 0, "", ""
}

// firstBuckets returns with how many buckets the file was made that now has n
// entries: two, or enough for the number of entries that its writer said
// beforehand, with which the count begins. All pages but the last of them are
// zeros until a key hashes to them; the pages of later buckets never are.
func (l *bdbLayout) firstBuckets(n uint64) uint32 {
	announced := uint64(l.elements)
	if announced >= n {
		announced -= n // those that came to be are counted, too
	}
	if l.fill == 0 || announced == 0 {
		return 2
	}
	return uint32(min(bdbMaxPages, max(2, uint64(1)<<bits.Len64((announced-1)/uint64(l.fill)))))
}

// count returns how many entries the header of a file with n entries counts, and
// whether that can be known: Python's bsddb keeps no count, and a writer that said
// how many entries to expect began to count there. To expect so few that two
// buckets hold them makes no difference, so that only ndbm says so.
func (l *bdbLayout) count(n uint64, highestZeros uint32) (count uint64, kept bool) {
	switch {
	case l.elements == 0 || highestZeros > 1:
		return 0, false
	case l.fill == bdbNdbmFill:
		return uint64(l.elements) - 1, true
	case l.fill == 0, uint64(l.elements) <= n+2*uint64(l.fill): // as db_load makes it
		return uint64(l.elements), true
	}
	return 0, false
}
