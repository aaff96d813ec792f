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
// Read crawl.go first, then the function crawl in main.go.
//
//	main.go     the command line, and the life of the callers
//	crawl.go    the crawler: what is fetched next
//	fetch.go    one page
//	store.go    the database
//	site.go     the web site that is crawled by default
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
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const usage = `usage: crawl [-url URL] [-db FILE] [-limit N] [-pages N] [-timeout D]

Fetches a page, the pages of the same host that it links to, and so on, and
writes them to a SQLite database. Ctrl-C or the timeout ends it early; what was
fetched by then is written, and the number of pages is printed. Of a page, the
first megabyte is read, and up to 1000 of its links are kept.

The exit status is 0, or 1 if the timeout has ended it, pages had no answer or
something could not be written, 2 if the command line or FILE is of no use, 130
after Ctrl-C.

  -url URL    where to begin (default: a small site that crawl serves itself)
  -db FILE    the database, which is made if there is none (default crawl.db)
  -limit N    fetch at most N pages at the same time, up to 100 (default 10)
  -pages N    fetch at most N pages (default 1000)
  -timeout D  give up after this time (default 1m)
`

const command = "crawl"

var errInterrupted = cli.Interrupted("interrupted before all pages were fetched")

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		return crawl(ctx, o, stdout, stderr)
	})
}

// mostAtOnce keeps the memory that pages take within bounds.
const mostAtOnce = 100

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
	if o.limit < 1 || o.limit > mostAtOnce {
		return o, fmt.Errorf("-limit %d: it must be from 1 to %d", o.limit, mostAtOnce)
	}
	if o.pages < 1 {
		return o, fmt.Errorf("-pages %d: it must be at least 1", o.pages)
	}
	if o.timeout <= 0 {
		return o, fmt.Errorf("-timeout %v: it must be positive", o.timeout)
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
func crawl(ctx context.Context, o options, stdout, stderr io.Writer) error {
	if o.url == nil {
		site, err := serveSite()
		if err != nil {
			return err
		}
		defer site.Close()
		o.url = site.url
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	defer shutDown(context.WithoutCancel(ctx), system)
	root, err := actors.Start(system, props.Name("crawl"), props.MaxWorkers(o.limit), props.MaxIdleWorkers(o.limit))
	if err != nil {
		return err
	}
	s, err := openStore(context.WithoutCancel(ctx), root, o.db)
	if err != nil {
		return cli.Usage(err)
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
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%s done, in %s\n", count(pages.written), cli.Printable(o.db)); err != nil {
		return err
	}
	if crawling.Cancelled() {
		return errInterrupted
	}
	return errors.Join(ended, pages.problem())
}

// shutDown stops the callers. Nothing is left to do then, unless something has failed.
func shutDown(ctx context.Context, system *actor.ActorSystem) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = actors.Shutdown(ctx, system)
}

// problem says which pages are missing, or have no content.
func (t tally) problem() error {
	switch {
	case t.lost > 0:
		return fmt.Errorf("%s could not be written", count(t.lost))
	case t.unanswered > 0:
		return fmt.Errorf("%s had no answer, see the column error", count(t.unanswered))
	default:
		return nil
	}
}

func count(pages int) string {
	if pages == 1 {
		return "1 page"
	}
	return fmt.Sprintf("%d pages", pages)
}
