package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cdnredirect/cdnredirect/internal/site"
)

// stateObjects are as many as one server may have, in pieces.
type stateObjects []site.Object

func (o stateObjects) EncodeState(encode func(any) error) error {
	for i := range o {
		if err := encode(&o[i]); err != nil {
			return err
		}
	}
	return nil
}

func (o *stateObjects) DecodeState(decode func(any) error) error {
	for {
		var object site.Object
		if err := decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		*o = append(*o, object)
	}
}

func manyObjects() stateObjects {
	all := make(stateObjects, 100_000)
	for i := range all {
		name := fmt.Sprintf("www%06d.example.org", i)
		text := fmt.Sprintf("site %s class web {\n    origin 192.0.2.%d 2001:db8::%x\n    cdn edge {label}.edge.example.net\n    threshold response_time %dms\n}\n", name, i%250, i, 300+i%200)
		all[i] = site.Object{Kind: site.ObjectSite, Name: name, Customer: fmt.Sprintf("c%04d", i/20), Text: text, Revision: int64(i)}
	}
	return all
}

func BenchmarkStateWrite(b *testing.B) {
	dir, all := b.TempDir(), manyObjects()
	d := openState(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Write("sites", all); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "sites"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}

func BenchmarkStateRead(b *testing.B) {
	all := manyObjects()
	d := openState(b, b.TempDir())
	if err := d.Write("sites", all); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var got stateObjects
		if _, err := d.Read("sites", &got); err != nil || len(got) != len(all) {
			b.Fatal(err, len(got))
		}
	}
}
