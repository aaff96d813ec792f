// Package otlp sets OpenTelemetry up for a whole program: traces, metrics and logs
// go by OTLP to Jaeger, or to any other collector.
//
//	shutdown, err := otlp.Setup(ctx, "shop")
//	if err != nil {
//		log.Fatal(err) // a variable makes no sense
//	}
//	defer func() {
//		_ = shutdown(context.Background()) // sends what is left
//	}()
//	slog.SetDefault(slog.New(otlp.LogHandler(slog.NewTextHandler(os.Stderr, nil)))) // logs, also to the collector
//	shop, err := actors.Start(system, props.Telemetry(telemetry.New()), props.Logger(slog.Default()))
//
// The program's environment says where they go and how, in the variables that
// OpenTelemetry has defined for that. Those which matter most:
//
//	OTEL_EXPORTER_OTLP_ENDPOINT   the collector; http://localhost:4318 unless set, 4317 with grpc
//	OTEL_EXPORTER_OTLP_PROTOCOL   http/protobuf (the default) or grpc
//	OTEL_EXPORTER_OTLP_HEADERS    headers of every request, for authentication
//	OTEL_EXPORTER_OTLP_TIMEOUT    milliseconds to send a batch, with all attempts; 10000 unless set
//	OTEL_TRACES_EXPORTER          otlp (the default) or none
//	OTEL_METRICS_EXPORTER         otlp (the default) or none: Jaeger takes no metrics
//	OTEL_LOGS_EXPORTER            otlp (the default) or none
//	OTEL_TRACES_SAMPLER           which traces are recorded; all unless set
//	OTEL_SERVICE_NAME             replaces the name given to Setup
//	OTEL_PROPAGATORS              tracecontext,baggage unless set; either, both, or none
//	OTEL_RESOURCE_ATTRIBUTES      more about the program: key=value,key=value
//	OTEL_SDK_DISABLED             true sends nothing
//
// Each of the OTEL_EXPORTER_OTLP variables has forms for one signal alone, like
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT. Others are those of the exporters and of
// the SDK, like OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BLRP_MAX_QUEUE_SIZE and OTEL_METRIC_EXPORT_INTERVAL. A value that
// cannot be used is an error of [Setup], which names the variable.
//
// # The names you need
//
// [Setup], and [LogHandler] for logs.
//
// # Limits
//
// OpenTelemetry keeps its providers for the whole program. So a second [Setup] takes over from
// the first one. A program that needs other exporters, samplers or processors sets OpenTelemetry
// up itself, and needs only package telemetry.
package otlp
