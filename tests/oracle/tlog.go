package main

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// memory is a log in memory: the stored hashes in order.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = m[index]
	}
	return out, nil
}

func grown(records [][]byte) memory {
	var m memory
	for i, text := range records {
		hashes, err := tlog.StoredHashes(int64(i), text, m)
		if err != nil {
			panic(err)
		}
		m = append(m, hashes...)
	}
	return m
}

// tiles serves the tiles it was given and remembers what was asked for and found good.
type tiles struct {
	height       int
	data         map[string][]byte
	asked, saved []string
}

func (t *tiles) Height() int { return t.height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(wanted))
	for i, tile := range wanted {
		t.asked = append(t.asked, tile.Path())
		data, ok := t.data[tile.Path()]
		if !ok {
			return nil, errors.New("no tile " + tile.Path())
		}
		out[i] = data
	}
	return out, nil
}

func (t *tiles) SaveTiles(good []tlog.Tile, _ [][]byte) {
	for _, tile := range good {
		t.saved = append(t.saved, tile.Path())
	}
}

// database is a checksum database's client's world: files by path, and one config.
type database struct {
	mu       sync.Mutex
	key      string
	latest   []byte
	files    map[string][]byte
	asked    []string
	security string
}

func (d *database) ReadRemote(path string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, path)
	data, ok := d.files[path]
	if !ok {
		return nil, errors.New("404 " + path)
	}
	return data, nil
}

func (d *database) ReadConfig(file string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if file == "key" {
		return []byte(d.key), nil
	}
	return d.latest, nil
}

func (d *database) WriteConfig(_ string, _, latest []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latest = latest
	return nil
}

func (d *database) ReadCache(string) ([]byte, error) { return nil, errors.New("no cache") }
func (d *database) WriteCache(string, []byte)        {}
func (d *database) Log(string)                       {}
func (d *database) SecurityError(text string)        { d.security = text }

func init() {
	register("note.verifier", func(key string) ([2]any, error) {
		v, err := note.NewVerifier(key)
		if err != nil {
			return [2]any{}, err
		}
		return [2]any{v.Name(), v.KeyHash()}, nil
	})
	register("note.open", func(a struct {
		Message []byte
		Keys    []string
	}) (map[string]any, error) {
		var list []note.Verifier
		for _, key := range a.Keys {
			v, err := note.NewVerifier(key)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		n, err := note.Open(a.Message, note.VerifierList(list...))
		if err != nil {
			return nil, err
		}
		return map[string]any{"text": []byte(n.Text), "sigs": names(n.Sigs), "unverified": names(n.UnverifiedSigs)}, nil
	})
	register("note.sign", func(a struct {
		Text    []byte
		Secrets []string
	}) ([]byte, error) {
		var signers []note.Signer
		for _, secret := range a.Secrets {
			s, err := note.NewSigner(secret)
			if err != nil {
				return nil, err
			}
			signers = append(signers, s)
		}
		return note.Sign(&note.Note{Text: string(a.Text)}, signers...)
	})

	register("tlog.log", func(a struct{ Records [][]byte }) (map[string]any, error) {
		m, size := grown(a.Records), int64(len(a.Records))
		roots, records, trees := []tlog.Hash{}, [][]tlog.RecordProof{}, [][]tlog.TreeProof{}
		for t := int64(0); t <= size; t++ {
			root, err := tlog.TreeHash(t, m)
			if err != nil {
				return nil, err
			}
			roots = append(roots, root)
			recordProofs, treeProofs := []tlog.RecordProof{}, []tlog.TreeProof{}
			for n := int64(0); n < t; n++ {
				recordProof, err1 := tlog.ProveRecord(t, n, m)
				treeProof, err2 := tlog.ProveTree(t, n+1, m)
				if err := errors.Join(err1, err2); err != nil {
					return nil, err
				}
				recordProofs = append(recordProofs, recordProof)
				treeProofs = append(treeProofs, treeProof)
			}
			records, trees = append(records, recordProofs), append(trees, treeProofs)
		}
		return map[string]any{"stored": []tlog.Hash(m), "roots": roots, "records": records, "trees": trees}, nil
	})
	register("tlog.check_record", func(a struct {
		Proof      tlog.RecordProof
		Size, N    int64
		Root, Leaf tlog.Hash
	}) (bool, error) {
		return true, tlog.CheckRecord(a.Proof, a.Size, a.Root, a.N, a.Leaf)
	})
	register("tlog.check_tree", func(a struct {
		Proof     tlog.TreeProof
		Size, N   int64
		Root, Old tlog.Hash
	}) (bool, error) {
		return true, tlog.CheckTree(a.Proof, a.Size, a.Root, a.N, a.Old)
	})
	register("tlog.split", func(index int64) ([2]int64, error) {
		level, n := tlog.SplitStoredHashIndex(index)
		if tlog.StoredHashIndex(level, n) != index {
			return [2]int64{}, errors.New("not inverse")
		}
		return [2]int64{int64(level), n}, nil
	})
	register("tlog.count", func(n int64) (int64, error) { return tlog.StoredHashCount(n), nil })
	register("tlog.parse_tree", func(text []byte) ([2]any, error) {
		tree, err := tlog.ParseTree(text)
		return [2]any{tree.N, tree.Hash}, err
	})
	register("tlog.parse_record", func(message []byte) ([3]any, error) {
		id, text, rest, err := tlog.ParseRecord(message)
		return [3]any{id, text, append([]byte{}, rest...)}, err
	})
	register("tlog.format_record", func(a struct {
		ID   int64
		Text []byte
	}) ([]byte, error) {
		return tlog.FormatRecord(a.ID, a.Text)
	})

	register("tile.parse", func(path string) (tlog.Tile, error) { return tlog.ParseTilePath(path) })
	register("tile.for_index", func(a [2]int64) (string, error) {
		return tlog.TileForIndex(int(a[0]), a[1]).Path(), nil
	})
	register("tile.new", func(a [3]int64) ([]string, error) {
		paths := []string{}
		for _, tile := range tlog.NewTiles(int(a[0]), a[1], a[2]) {
			paths = append(paths, tile.Path())
		}
		return paths, nil
	})
	register("tile.data", func(a struct {
		Records [][]byte
		Paths   []string
	}) ([][]byte, error) {
		m, out := grown(a.Records), [][]byte{}
		for _, path := range a.Paths {
			tile, err := tlog.ParseTilePath(path)
			if err != nil {
				return nil, err
			}
			data, err := tlog.ReadTileData(tile, m)
			if err != nil {
				return nil, err
			}
			out = append(out, data)
		}
		return out, nil
	})
	register("tile.read", func(a struct {
		Height  int
		Size    int64
		Root    tlog.Hash
		Tiles   map[string][]byte
		Indexes []int64
	}) (map[string]any, error) {
		reader := &tiles{height: a.Height, data: a.Tiles}
		hashes, err := tlog.TileHashReader(tlog.Tree{N: a.Size, Hash: a.Root}, reader).ReadHashes(a.Indexes)
		if err != nil {
			return nil, fmt.Errorf("%w (asked %v)", err, reader.asked)
		}
		return map[string]any{"hashes": hashes, "asked": reader.asked, "saved": reader.saved}, nil
	})

	register("sumdb.lookup", func(a struct {
		Key, Path, Version string
		Latest             []byte
		Files              map[string][]byte
	}) (map[string]any, error) {
		world := &database{key: a.Key, latest: a.Latest, files: a.Files}
		lines, err := sumdb.NewClient(world).Lookup(a.Path, a.Version)
		if err != nil {
			return nil, err
		}
		return map[string]any{"lines": lines, "latest": world.latest, "asked": world.asked}, nil
	})
}

func names(sigs []note.Signature) []string {
	out := []string{}
	for _, sig := range sigs {
		out = append(out, fmt.Sprintf("%s+%08x %s", sig.Name, sig.Hash, sig.Base64))
	}
	return out
}
