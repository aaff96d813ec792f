package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestOwnSiteIsCrawledAsAWhole(t *testing.T) {
	file := newFile(t)
	got := runArgs(t.Context(), "-db", file, "-limit", "50")
	assert.Equal(t, clitest.Outcome{Stdout: "305 pages done, in " + file + "\n"}, got)
	pages := readDatabase(t, file)
	assert.Len(t, pages, 305)
	assert.Equal(t, "Page 299", pages["299"].title)
	assert.Equal(t, http.StatusNotFound, pages["300"].status)

	got = runArgs(t.Context(), "-db", file, "-pages", "3")
	assert.Equal(t, clitest.Outcome{Stdout: "3 pages done, in " + file + "\n"}, got, "the same database again")
}

func TestPagesAndLinksOfAllKinds(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") })
	begin := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, `<TITLE> The &amp; first </TITLE><title>no</title><a href="text">1</a><a href="text#x">2</a>
				<a name="none">3</a><a href="mailto:x@y">4</a><a href="%s">5</a><a href="://">6</a>
				<a href="broken">7</a><a href="moved">8</a><a href="hangup">9</a>`, elsewhere)
		case "/text":
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, `<a href="never">no link</a>`)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/moved":
			http.Redirect(w, r, "/sub/page", http.StatusMovedPermanently)
		case "/sub/page":
			fmt.Fprint(w, `<a href="relative">to the place it has moved to</a>`)
		case "/hangup":
			panic(http.ErrAbortHandler)
		default:
			fmt.Fprint(w, "<title>leaf")
		}
	})
	file := newFile(t)
	got := runArgs(t.Context(), "-url", begin, "-db", file)
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Equal(t, "crawl: 1 page had no answer, see the column error\n", got.Stderr)
	pages := readDatabase(t, file)
	assert.Len(t, pages, 6)
	assert.Equal(t, "The & first", pages[strings.TrimSuffix(strings.TrimPrefix(begin, "http://"), "/")].title)
	assert.Equal(t, "leaf", pages["relative"].title)
	assert.Equal(t, http.StatusInternalServerError, pages["broken"].status)
	assert.Contains(t, pages["hangup"].err, "EOF")
	assert.Zero(t, pages["hangup"].status)
}

func TestNoMorePagesAtTheSameTimeThanAllowed(t *testing.T) {
	const limit = 3
	var serving, served atomic.Int32
	together := make(chan struct{})
	begin := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.LessOrEqual(t, serving.Add(1), int32(limit))
		defer serving.Add(-1)
		if served.Add(1) == 1+limit {
			close(together)
		}
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/" {
			for i := range 20 {
				fmt.Fprintf(w, "<a href=%d></a>", i)
			}
			return
		}
		<-together // the first of them wait for each other
	})
	file := newFile(t)
	assert.Equal(t, cli.StatusOK, runArgs(t.Context(), "-url", begin, "-db", file, "-limit", "3").Status)
	assert.Len(t, readDatabase(t, file), 21)
}

// hanging serves a page with links to others, of which the ones from the number
// quick on never come.
func hanging(t *testing.T, quick int) (begin string, hangs <-chan struct{}) {
	stuck := make(chan struct{}, 100)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err == nil && n >= quick {
			stuck <- struct{}{}
			<-r.Context().Done()
			return
		}
		if r.URL.Path == "/" {
			for i := range 50 {
				fmt.Fprintf(w, "<a href=%02d></a>", i)
			}
		}
	}), stuck
}

func TestTimeoutEndsTheCrawl(t *testing.T) {
	begin, _ := hanging(t, 7)
	file := newFile(t)
	got := runArgs(t.Context(), "-url", begin, "-db", file, "-timeout", "300ms")
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Contains(t, got.Stderr, "not done after 300ms")
	assert.Equal(t, fmt.Sprintf("%d pages done, in %s\n", len(readDatabase(t, file)), file), got.Stdout)
}

func TestSiteThatDoesNotAnswerIsReported(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	file := newFile(t)
	got := runArgs(t.Context(), "-url", nobody.URL, "-db", file)
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Equal(t, "1 page done, in "+file+"\n", got.Stdout)
	assert.Contains(t, got.Stderr, "1 page had no answer")
}

func TestInterruptBeforeTheFirstPage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := newFile(t)
	got := runArgs(ctx, "-db", file)
	assert.Equal(t, cli.StatusInterrupted, got.Status)
	assert.Equal(t, "0 pages done, in "+file+"\n", got.Stdout)
	assert.Empty(t, readDatabase(t, file))
}

// The program is interrupted while it waits for pages that never come.
func TestSignalLeavesAConsistentDatabase(t *testing.T) {
	const quick, limit = 7, 4
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			begin, hangs := hanging(t, quick)
			file := newFile(t)
			var stdout, stderr strings.Builder
			program := clitest.Command(t, "-url", begin, "-db", file, "-limit", fmt.Sprint(limit))
			program.Stdout, program.Stderr = &stdout, &stderr
			require.NoError(t, program.Start())
			for range limit {
				<-hangs // so all others have been handed out
			}
			require.NoError(t, program.Process.Signal(signal))

			_ = program.Wait() // the exit status says it
			assert.Equal(t, cli.StatusInterrupted, program.ProcessState.ExitCode())
			assert.Equal(t, fmt.Sprintf("%d pages done, in %s\n", 1+quick, file), stdout.String())
			assert.Equal(t, "crawl: interrupted before all pages were fetched\n", stderr.String())
			assert.Len(t, readDatabase(t, file), 1+quick)
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command, "-db", newFile(t), "-pages", "1")
	clitest.CheckUnwritable(t, command, "-help")
}

func TestWhatIsKeptOfAPageIsBounded(t *testing.T) {
	long := strings.Repeat("long", longestText)
	begin := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, "<title>%s</title><a href=%s></a><a href=endless-tag></a><a href=far-away></a>", long, long)
			for i := range 60_000 {
				fmt.Fprintf(w, "<a href=leaf%d></a>", i)
			}
		case "/endless-tag":
			fmt.Fprintf(w, "<title>short</title><p %s", strings.Repeat("a ", longestTag))
		case "/far-away":
			http.Redirect(w, r, "/"+long, http.StatusFound)
		}
	})
	file := newFile(t)
	got := runArgs(t.Context(), "-url", begin, "-db", file, "-pages", "3")
	assert.Equal(t, "3 pages done, in "+file+"\n", got.Stdout)
	pages, links := readDatabase(t, file), 0
	for _, p := range pages {
		assert.LessOrEqual(t, len(p.title), longestText)
		links += p.linkCount
	}
	assert.Len(t, pages, 3)
	assert.Equal(t, mostLinks, links)
	assert.Equal(t, "short", pages["endless-tag"].title)
	assert.Equal(t, errLongURL.Error(), pages["far-away"].err)
}

func TestNoMorePagesAreRememberedThanAreFetched(t *testing.T) {
	c := &crawler{options: options{url: &url.URL{Host: "h"}, pages: 10}, seen: make(map[string]bool), fetched: 3}
	for i := range 60_000 {
		c.note([]string{fmt.Sprint("http://h/", i)})
	}
	assert.Len(t, c.waiting, 7)
	assert.Len(t, c.seen, 7)
}

func TestUnusableArguments(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"an argument":     {[]string{"x"}, `unexpected "x"; try -help`},
		"an unknown flag": {[]string{"-x"}, "flag provided but not defined: -x"},
		"a flag to print": {[]string{"-\x1b[2J"}, "flag provided but not defined: -?[2J"},
		"no limit":        {[]string{"-limit", "0"}, "-limit 0: it must be from 1 to 100"},
		"a high limit":    {[]string{"-limit", "101"}, "-limit 101: it must be from 1 to 100"},
		"no pages":        {[]string{"-pages", "0"}, "-pages 0: it must be at least 1"},
		"no time":         {[]string{"-timeout", "0"}, "-timeout 0s: it must be positive"},
		"no scheme":       {[]string{"-url", "example.org"}, "-url example.org: it must begin with http:// or https://"},
		"no database":     {[]string{"-db", "/nowhere\a/x"}, "database /nowhere?/x: unable to open database file (14)"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "crawl: " + tt.want + "\n"}, clitest.Execute(t, nil, tt.args...))
		})
	}
}

func TestNameOfADatabaseIsPrintable(t *testing.T) {
	file := newFile(t)
	got := runArgs(t.Context(), "-db", file+"\x1b[2J", "-pages", "1")
	assert.Equal(t, clitest.Outcome{Stdout: "1 page done, in " + file + "?[2J\n"}, got)
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}
