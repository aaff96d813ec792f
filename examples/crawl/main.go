// Command crawl fetches the pages of a web site, from link to link, and writes
// them to a SQLite database:
//
//	go run .                                # in this folder: a site of its own
//	go run . -url https://example.org/
//
// It shows how callers are coordinated. The crawler owns the list of what is to
// be fetched; its loop has workers fetch a bounded number of pages at a time,
// in a group with a timeout. The store owns the database; a queue brings it one
// page after the other, and makes the crawler wait when it falls behind. A page
// and its links are one transaction, so whenever the program ends the database
// is consistent.
//
//	main.go   the command line, and the life of the callers
//	crawl.go  the crawler: what is fetched next
//	fetch.go  one page
//	store.go  the database
//	site.go   the web site that is crawled by default
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const usage = `usage: crawl [-url URL] [-db FILE] [-limit N] [-pages N] [-timeout D]

Fetches a page, the pages of the same host that it links to, and so on, and
writes them to a SQLite database. Ctrl-C or the timeout ends it early; what was
fetched by then is written, and the number of pages is printed.

The exit status is 0, or 1 if the timeout has ended it, pages had no answer or
could not be written, 2 if the command line is of no use, 130 after Ctrl-C.

  -url URL    where to begin (default: a small site that crawl serves itself)
  -db FILE    the database, which is made if there is none (default crawl.db)
  -limit N    fetch at most N pages at the same time (default 10)
  -pages N    fetch at most N pages (default 1000)
  -timeout D  give up after this time (default 1m)
`

// The exit status, as in usage.
const (
	statusOK          = 0
	statusIncomplete  = 1
	statusUsage       = 2
	statusInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (status int) {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return statusOK
	}
	if err == nil {
		status, err = crawl(ctx, o, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "crawl:", err)
		return statusUsage
	}
	return status
}

type options struct {
	url     *url.URL // nil for the site of our own
	db      string
	limit   int
	pages   int
	timeout time.Duration
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("crawl", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	begin := flags.String("url", "", "")
	flags.StringVar(&o.db, "db", "crawl.db", "")
	flags.IntVar(&o.limit, "limit", 10, "")
	flags.IntVar(&o.pages, "pages", 1000, "")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected %q; try -help", flags.Arg(0))
	}
	if o.limit < 1 || o.pages < 1 {
		return o, errors.New("-limit and -pages must be at least 1")
	}
	if *begin == "" {
		return o, nil
	}
	o.url, err = url.Parse(*begin)
	if err == nil && (o.url.Host == "" || o.url.Scheme != "http" && o.url.Scheme != "https") {
		err = fmt.Errorf("-url %s: it must begin with http:// or https://", *begin)
	}
	return o, err
}

// crawl starts the callers, has them do their work, and stops them.
func crawl(ctx context.Context, o options, stdout, stderr io.Writer) (status int, err error) {
	if o.url == nil {
		site, err := serveSite()
		if err != nil {
			return 0, err
		}
		defer site.Close()
		o.url = site.url
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	defer func() { _ = actors.Shutdown(context.WithoutCancel(ctx), system) }()
	root, err := actors.Start(system, props.Name("crawl"), props.MaxWorkers(o.limit), props.MaxIdleWorkers(o.limit))
	if err != nil {
		return 0, err
	}
	s, err := openStore(context.WithoutCancel(ctx), root, o.db)
	if err != nil {
		return 0, err
	}
	c := newCrawler(root, s, o)
	stopProgress := c.showProgress(ctx, stderr)
	crawling := actors.CallSoon(ctx, root, c.run) // which ends when ctx does
	// Even after Ctrl-C the rest is waited for: there is little of it.
	ctx = context.WithoutCancel(ctx)
	_, ended := crawling.Wait(ctx)
	stopProgress()
	pages, err := s.close(ctx)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(stdout, "%s done, in %s\n", count(pages.written), o.db)
	if pages.lost > 0 {
		ended = errors.Join(ended, fmt.Errorf("%s could not be written", count(pages.lost)))
	}
	if ended == nil && pages.unanswered > 0 {
		ended = fmt.Errorf("%s had no answer, see the column error", count(pages.unanswered))
	}
	switch {
	case crawling.Cancelled():
		fmt.Fprintln(stderr, "crawl: interrupted before all pages were fetched")
		return statusInterrupted, nil
	case ended != nil:
		fmt.Fprintln(stderr, "crawl:", ended)
		return statusIncomplete, nil
	default:
		return statusOK, nil
	}
}

func count(pages int) string {
	if pages == 1 {
		return "1 page"
	}
	return fmt.Sprintf("%d pages", pages)
}
