package eventdb

import (
	"bytes"
	"context"
	"iter"
	"slices"
)

// Sorted yields every entry, in the order of the keys' bytes. It holds all of
// them in memory, with 24 bytes more per entry. If the database can't be read,
// or ctx is done before it is, then the only pair holds the error.
func (db *DB) Sorted(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var content []byte
		type place struct{ key, value, end int } // in content
		var places []place
		err := db.read(ctx, func(e Entry) bool {
			key := len(content)
			content = append(append(content, e.Key...), e.Value...)
			places = append(places, place{key, key + len(e.Key), len(content)})
			return true
		})
		if err != nil {
			yield(Entry{}, err)
			return
		}
		slices.SortFunc(places, func(a, b place) int {
			return bytes.Compare(content[a.key:a.value], content[b.key:b.value])
		})
		for _, p := range places {
			if !yield(Entry{content[p.key:p.value:p.value], content[p.value:p.end:p.end]}, nil) {
				return
			}
		}
	}
}
