package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"filippo.io/torchwood"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const workers = 2

// fetcher opens the log for Tessera.
func fetcher(from string) (fsck.Fetcher, error) {
	u, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "file" {
		return &client.FileFetcher{Root: u.Path}, nil
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return client.NewHTTPFetcher(u, nil)
}

// tiles opens the log for torchwood.
func tiles(from string) (torchwood.TileReader, error) {
	if folder, ok := strings.CutPrefix(from, "file://"); ok {
		return torchwood.NewTileFS(os.DirFS(folder))
	}
	return torchwood.NewTileFetcher(strings.TrimSuffix(from, "/")+"/", torchwood.WithUserAgent("tlogcheck"))
}

func fsckLog(ctx context.Context, o options) (facts, error) {
	from, err := fetcher(o.url)
	if err != nil {
		return nil, err
	}
	key, err := fnote.NewVerifier(o.vkey)
	if err != nil {
		return nil, err
	}
	f := fsck.New(key.Name(), key, from, leafHashes, fsck.Opts{N: workers})
	if err := f.Check(ctx); err != nil {
		return nil, err
	}
	return facts{"origin": key.Name()}, nil
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var parsed api.EntryBundle
	if err := parsed.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range parsed.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

// head reads the checkpoint and has torchwood judge it by the policy.
func head(ctx context.Context, o options) (torchwood.Checkpoint, []byte, torchwood.Policy, error) {
	text, err := os.ReadFile(o.policy)
	if err != nil {
		return torchwood.Checkpoint{}, nil, nil, err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return torchwood.Checkpoint{}, nil, nil, err
	}
	from, err := fetcher(o.url)
	if err != nil {
		return torchwood.Checkpoint{}, nil, nil, err
	}
	raw, err := from.ReadCheckpoint(ctx)
	if err != nil {
		return torchwood.Checkpoint{}, nil, nil, err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(raw, policy)
	return checkpoint, raw, policy, err
}

func auditLog(ctx context.Context, o options) (facts, error) {
	now, raw, policy, err := head(ctx, o)
	if err != nil {
		return nil, err
	}
	reader, err := tiles(o.url)
	if err != nil {
		return nil, err
	}
	start, err := continues(ctx, o.state, now, policy, reader)
	if err != nil {
		return nil, err
	}
	c, err := torchwood.NewClient(reader)
	if err != nil {
		return nil, err
	}
	count := int64(0)
	for range c.AllEntries(ctx, now.Tree, start) {
		count++
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if start+count != now.N {
		return nil, fmt.Errorf("read %d entries from %d, the tree has %d", count, start, now.N)
	}
	if o.state != "" {
		if err := os.WriteFile(o.state, raw, 0o644); err != nil {
			return nil, err
		}
	}
	return facts{"from": start, "size": now.N, "root": base64.StdEncoding.EncodeToString(now.Hash[:])}, nil
}

// continues holds the log to the checkpoint of the last run, whose size it answers.
func continues(ctx context.Context, state string, now torchwood.Checkpoint, policy torchwood.Policy, reader torchwood.TileReader) (int64, error) {
	raw, err := os.ReadFile(state)
	if state == "" || errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	old, _, err := torchwood.VerifyCheckpoint(raw, policy)
	switch {
	case err != nil:
		return 0, err
	case old.Origin != now.Origin:
		return 0, fmt.Errorf("another origin than the last time: %q", now.Origin)
	case old.N > now.N:
		return 0, fmt.Errorf("the log went back from %d entries to %d", old.N, now.N)
	case old.N == now.N && old.Hash != now.Hash:
		return 0, errors.New("two roots of one size")
	case old.N == 0 || old.N == now.N:
		return old.N, nil
	}
	proof, err := tlog.ProveTree(now.N, old.N, torchwood.TileHashReaderWithContext(ctx, now.Tree, reader))
	if err != nil {
		return 0, err
	}
	return old.N, tlog.CheckTree(proof, now.N, now.Hash, old.N, old.Hash)
}

func fetchEntry(ctx context.Context, o options) (facts, error) {
	now, raw, policy, err := head(ctx, o)
	if err != nil {
		return nil, err
	}
	reader, err := tiles(o.url)
	if err != nil {
		return nil, err
	}
	c, err := torchwood.NewClient(reader)
	if err != nil {
		return nil, err
	}
	entry, path, err := c.Entry(ctx, now.Tree, o.index)
	if err != nil {
		return nil, err
	}
	proof := torchwood.FormatProof(o.index, path, raw)
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof); err != nil {
		return nil, err
	}
	if err := os.WriteFile(o.out, proof, 0o644); err != nil {
		return nil, err
	}
	return facts{"index": o.index, "size": now.N}, os.WriteFile(o.out+".entry", entry, 0o644)
}

func verifyProof(_ context.Context, o options) (facts, error) {
	text, err := os.ReadFile(o.policy)
	if err != nil {
		return nil, err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return nil, err
	}
	entry, err := os.ReadFile(o.entry)
	if err != nil {
		return nil, err
	}
	proof, err := os.ReadFile(o.proof)
	if err != nil {
		return nil, err
	}
	return facts{}, torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof)
}

func openNote(_ context.Context, o options) (facts, error) {
	if len(o.args) != 1 {
		return nil, errors.New("expected one file")
	}
	key, err := fnote.NewVerifier(o.vkey)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(o.args[0])
	if err != nil {
		return nil, err
	}
	opened, err := note.Open(raw, note.VerifierList(key))
	if err != nil {
		return nil, err
	}
	return facts{"verified": len(opened.Sigs), "text": opened.Text}, nil
}
