package bubble_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// TestManyTimersAtOneMoment crashes under the race detector on two processors.
func TestManyTimersAtOneMoment(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				timer := time.NewTimer(time.Hour)
				defer timer.Stop()
				for range 200 {
					time.Sleep(time.Millisecond)
					timer.Reset(0)
					<-timer.C
					time.AfterFunc(time.Millisecond, func() {})
				}
			})
		}
		wg.Wait()
	})
}

// TestNoBubbleWithoutUs finds tests that go past this package.
func TestNoBubbleWithoutUs(t *testing.T) {
	call := "synctest." + "Test("
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), call) {
			t.Errorf("Expected bubble.Test instead of %s in %s", call, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
