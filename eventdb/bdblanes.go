package eventdb

// lanes is how many keys are hashed side by side. The hash takes one
// multiplication after the other, which leaves the processor waiting: four keys
// take little longer than one.
const lanes = 4

// laneHashes returns the hashes of the next keys of a page, from item i on,
// which ends at end. It returns false where that can't be done: fewer keys are
// left, one lies on other pages, their lengths differ, or something is wrong,
// which is for the caller to find out.
func (p *bdbPart) laneHashes(page, index []byte, i, n, end int) (h [lanes]uint32, ok bool) {
	if n-i < 2*lanes {
		return h, false
	}
	var keys [lanes][]byte
	for lane := range keys {
		at := 2 * (i + 2*lane)
		keyAt, valueAt := p.u16(index[at:]), p.u16(index[at+2:])
		if keyAt >= end || valueAt >= keyAt || page[keyAt] != bdbItemData {
			return h, false
		}
		keys[lane] = page[keyAt+1 : end]
		if len(keys[lane]) != len(keys[0]) {
			return h, false
		}
		end = valueAt
	}
	k0 := keys[0]
	k1, k2, k3 := keys[1][:len(k0)], keys[2][:len(k0)], keys[3][:len(k0)]
	var h0, h1, h2, h3 uint32
	for c := range k0 {
		h0 = h0*bdbPrime ^ uint32(k0[c])
		h1 = h1*bdbPrime ^ uint32(k1[c])
		h2 = h2*bdbPrime ^ uint32(k2[c])
		h3 = h3*bdbPrime ^ uint32(k3[c])
	}
	return [lanes]uint32{h0, h1, h2, h3}, true
}
