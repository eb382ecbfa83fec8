// SPDX-License-Identifier: Apache-2.0
// Where events come from: mappings, queues and streams, and how far behind each is.

import { all, cloudWatch, kinesis, lambda, sqs } from "./api.js";
import { badge, button, confirm, empty, failure, h, link, repeat, replace, table } from "./dom.js";
import { ago, count, date, milliseconds, tail } from "./format.js";
import { hashOf } from "./functions.js";

const mappings = "/2015-03-31/event-source-mappings";
const queuesMax = 100;
const measuresMax = 500;
const every = 5_000;

const sourceOf = (mapping) => {
  const arn = mapping.EventSourceArn ?? "";
  if (arn) return `${arn.split(":")[2]}: ${tail(arn)}`;
  return `kafka: ${(mapping.Topics ?? []).join(", ")}`;
};

const stateBadge = (state) => badge(state, { Enabled: "good", Disabled: "", Creating: "busy", Enabling: "busy", Updating: "busy", Disabling: "busy", Deleting: "busy" }[state] ?? "bad");

function resultOf(mapping) {
  const text = mapping.LastProcessingResult;
  if (!text) return "–";
  return /^(OK|No records processed)$/.test(text) ? text : h("span", { class: "alarming" }, text);
}

const functionOf = (mapping) => mapping.FunctionArn.split(":")[6];
const service = (mapping) => (mapping.EventSourceArn ?? "").split(":")[2];

/** How far behind functions are, as CloudWatch has it: the metric, over how many seconds, and what is said of it. */
const ageMeasure = { Namespace: "AWS/Lambda", MetricName: "IteratorAge", period: 300, text: (value) => `${milliseconds(value)} old` };
const measures = {
  kinesis: ageMeasure,
  dynamodb: ageMeasure,
  kafka: { Namespace: "AWS/Lambda", MetricName: "OffsetLag", period: 60, text: (value) => `${count(value)} behind` },
  mq: { Namespace: "Martlet/Lambda", MetricName: "MessagesWaiting", period: 60, text: (value) => `${count(value)} waiting` },
};
// A cluster of one's own has no ARN.
const measureOf = (mapping) => measures[service(mapping) || "kafka"];

/** What CloudWatch says of mappings' functions, as texts by the mappings' UUIDs: the most of the last time that there is a value of. */
async function measured(mappings, options) {
  const asked = new Map();
  for (const mapping of mappings) {
    const measure = measureOf(mapping);
    if (!measure || asked.size >= measuresMax) continue;
    const key = `${measure.MetricName} ${functionOf(mapping)}`;
    asked.set(key, { measure, name: functionOf(mapping), ids: [...(asked.get(key)?.ids ?? []), mapping.UUID] });
  }
  if (asked.size === 0) return new Map();
  const EndTime = Math.ceil(Date.now() / 60_000) * 60;
  const queries = [...asked.values()];
  const answer = await cloudWatch("GetMetricData", {
    StartTime: EndTime - 300, EndTime, MetricDataQueries: queries.map(({ measure, name }, index) => ({ Id: `m${index}`, MetricStat: {
      Metric: { Namespace: measure.Namespace, MetricName: measure.MetricName, Dimensions: [{ Name: "FunctionName", Value: name }] }, Period: measure.period, Stat: "Maximum",
    } })),
  }, options);
  return new Map(answer.MetricDataResults.flatMap((result) => {
    const { measure, ids } = queries[Number(result.Id.slice(1))];
    // The newest is the first; what is older than the minute before this one says nothing of a mapping that is not read any more.
    if (!(result.Timestamps[0] >= EndTime - 2 * measure.period)) return [];
    return ids.map((id) => [id, measure.text(result.Values[0])]);
  }));
}

/** How far behind each mapping is, as a text by its UUID, where that is known; `queues` promises those that are listed anyway. */
async function lags(mappings, user, queues, options) {
  const known = async (promise) => {
    try { return await promise; } catch (error) {
      if (error.name === "AbortError") throw error;
      return undefined;
    }
  };
  const found = new Map();
  const ofQueues = user.Services.sqs ? mappings.filter((mapping) => service(mapping) === "sqs") : [];
  const waiting = async () => {
    const counts = new Map((await known(queues) ?? []).map((queue) => [queue.QueueArn, queue.ApproximateNumberOfMessages]));
    const others = [...new Set(ofQueues.map((mapping) => mapping.EventSourceArn))].filter((arn) => !counts.has(arn)).slice(0, queuesMax);
    await Promise.all(others.map(async (arn) => {
      const [account, name] = arn.split(":").slice(4);
      const answer = await known(sqs("GetQueueAttributes", {
        QueueUrl: `${location.origin}/${account}/${name}`, AttributeNames: ["ApproximateNumberOfMessages"],
      }, options));
      if (answer) counts.set(arn, answer.Attributes.ApproximateNumberOfMessages);
    }));
    return counts;
  };
  const [texts, counts] = await Promise.all([known(measured(mappings, options)), waiting()]);
  for (const mapping of ofQueues) {
    if (counts.has(mapping.EventSourceArn)) found.set(mapping.UUID, `${count(counts.get(mapping.EventSourceArn))} waiting`);
  }
  return new Map([...found, ...texts ?? []]);
}

/** The mappings of one function, or of all; `queues` promises those that are listed beside it. */
async function mappingTable({ signal, user, refresh, background }, name, queues = () => undefined) {
  const found = await all(mappings, "EventSourceMappings", { query: { FunctionName: name, MaxItems: 100 }, signal, background });
  if (found.length === 0) {
    return empty("No event source mappings.", h("p", {}, "Queues, streams and topics invoke functions by mappings: ",
      h("code", {}, "aws lambda create-event-source-mapping"), "."));
  }
  const behind = await lags(found, user, queues(), { signal, background });
  const problem = h("div", {});
  const attempt = (act) => async () => {
    try { await act(); refresh(); } catch (error) { replace(problem, failure(error)); }
  };
  return h("div", {}, problem, table("Event source mappings", [
    { name: "Source", value: (mapping) => h("span", { title: mapping.EventSourceArn ?? "" }, sourceOf(mapping)) },
    ...(name ? [] : [{ name: "Function", value: (mapping) => {
      const parts = mapping.FunctionArn.split(":");
      return link(parts.slice(6).join(":"), hashOf(parts[6], "sources"));
    } }]),
    { name: "State", value: (mapping) => [stateBadge(mapping.State), mapping.StateTransitionReason && !/^user.(initiated|action)$/i.test(mapping.StateTransitionReason) && h("span", { class: "hint" }, ` ${mapping.StateTransitionReason}`)] },
    { name: "Batch", number: true, value: (mapping) => `${mapping.BatchSize ?? "–"}${mapping.MaximumBatchingWindowInSeconds ? ` / ${mapping.MaximumBatchingWindowInSeconds} s` : ""}` },
    { name: "Lag", number: true, value: (mapping) => behind.get(mapping.UUID) ?? "–" },
    { name: "Last result", value: resultOf },
    { name: "Modified", value: (mapping) => h("time", { title: date(mapping.LastModified) }, ago(mapping.LastModified)) },
    { name: "Change", value: (mapping) => {
      const isOn = mapping.State === "Enabled";
      return button(isOn ? "Disable" : "Enable", attempt(async () => {
        if (isOn && !await confirm("Disable this mapping?", `${sourceOf(mapping)} keeps its records until it is enabled again.`, "Disable")) return;
        await lambda("PUT", `${mappings}/${mapping.UUID}`, { input: { Enabled: !isOn } });
      }), { "aria-label": `${isOn ? "Disable" : "Enable"} ${sourceOf(mapping)}` });
    } },
  ], found));
}

async function queueList(options) {
  const urls = [];
  let NextToken;
  do {
    const answer = await sqs("ListQueues", { MaxResults: 100, NextToken }, options);
    urls.push(...(answer.QueueUrls ?? []));
    NextToken = answer.NextToken;
  } while (NextToken && urls.length < queuesMax);
  return Promise.all(urls.slice(0, queuesMax).map(async (url) => {
    const answer = await sqs("GetQueueAttributes", { QueueUrl: url, AttributeNames: ["All"] }, options);
    return { name: tail(url), ...answer.Attributes };
  }));
}

function queueSection(queues) {
  if (queues.length === 0) return empty("No queues.");
  const deadLetters = (queue) => {
    try { return tail(JSON.parse(queue.RedrivePolicy).deadLetterTargetArn); } catch { return "–"; }
  };
  return [table("Queues", [
    { name: "Queue", value: (queue) => queue.name },
    { name: "Waiting", number: true, value: (queue) => count(queue.ApproximateNumberOfMessages) },
    { name: "In flight", number: true, value: (queue) => count(queue.ApproximateNumberOfMessagesNotVisible) },
    { name: "Delayed", number: true, value: (queue) => count(queue.ApproximateNumberOfMessagesDelayed) },
    { name: "Type", value: (queue) => (queue.FifoQueue === "true" ? "FIFO" : "Standard") },
    { name: "Dead letters to", value: deadLetters },
  ], queues), queues.length >= queuesMax && h("p", { class: "hint" }, `The first ${queuesMax} are shown.`)];
}

async function streamSection(options) {
  const { StreamNames = [] } = await kinesis("ListStreams", { Limit: 100 }, options);
  if (StreamNames.length === 0) return empty("No streams.");
  const streams = await Promise.all(StreamNames.map((StreamName) => kinesis("DescribeStreamSummary", { StreamName }, options)));
  return table("Streams", [
    { name: "Stream", value: (stream) => stream.StreamName },
    { name: "State", value: (stream) => badge(stream.StreamStatus, stream.StreamStatus === "ACTIVE" ? "good" : "busy") },
    { name: "Open shards", number: true, value: (stream) => count(stream.OpenShardCount) },
    { name: "Consumers", number: true, value: (stream) => count(stream.ConsumerCount) },
    { name: "Retention", number: true, value: (stream) => `${stream.RetentionPeriodHours} h` },
  ], streams.map((answer) => answer.StreamDescriptionSummary));
}

/** Sections that are read again and again, each with what is shown where it has nothing to read. */
async function keptSections(sections, signal) {
  const shown = sections.map((section) => ({ ...section, place: h("div", { "aria-label": section.title }) }));
  await Promise.all(shown.map(({ read, place, absent }) => {
    if (!read) return replace(place, empty(absent));
    const load = repeat({
      every, signal, failed: (error) => replace(place, failure(error)),
      read: async (background, mayShow) => {
        const content = await read(background);
        if (mayShow(place)) replace(place, content);
      },
    });
    return load();
  }));
  return [shown.map(({ title, place }) => h("section", {}, h("h2", {}, title), place)), h("p", { class: "hint" },
    `Read anew every ${every / 1_000} seconds. The lag is how many messages wait in the queue, how old the last record was that the function had of a stream, or how many records the function is behind in the topic's partition where those are most.`)];
}

const mappingsOf = (context, name, queues) => ({ title: "Mappings", read: (background) => mappingTable({ ...context, background }, name, queues) });

/** A function's own. */
export const mappingsTab = (context, name) => keptSections([mappingsOf(context, name)], context.signal);

export async function sourcesView(context) {
  const { signal, user } = context;
  const elsewhere = (name) => `Requests for ${name} are passed on to another server (--aws-endpoint), which the console does not ask.`;
  let queues;
  const readQueues = async (background) => {
    queues = queueList({ signal, background });
    return queueSection(await queues);
  };
  return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Sources")), await keptSections([
    mappingsOf(context, undefined, () => queues),
    { title: "Queues", read: user.Services.sqs && readQueues, absent: elsewhere("SQS") },
    { title: "Streams", read: user.Services.kinesis && ((background) => streamSection({ signal, background })), absent: elsewhere("Kinesis") },
  ], signal));
}
