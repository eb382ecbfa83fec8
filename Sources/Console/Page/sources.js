// SPDX-License-Identifier: Apache-2.0
// Where events come from: mappings, queues and streams, and how far behind each is.

import { all, kinesis, lambda, sqs } from "./api.js";
import { badge, button, confirm, empty, failure, h, link, repeat, replace, table } from "./dom.js";
import { ago, count, date, tail } from "./format.js";
import { hashOf } from "./functions.js";

const mappings = "/2015-03-31/event-source-mappings";
const queuesMax = 100;
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

/** The mappings of one function, or of all. */
export async function mappingTable({ signal, refresh, background }, name) {
  const found = await all(mappings, "EventSourceMappings", { query: { FunctionName: name, MaxItems: 100 }, signal, background });
  if (found.length === 0) {
    return empty("No event source mappings.", h("p", {}, "Queues, streams and topics invoke functions by mappings: ",
      h("code", {}, "aws lambda create-event-source-mapping"), "."));
  }
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
    { name: "State", value: (mapping) => [stateBadge(mapping.State), mapping.StateTransitionReason && mapping.StateTransitionReason !== "USER_INITIATED" && h("span", { class: "hint" }, ` ${mapping.StateTransitionReason}`)] },
    { name: "Batch", number: true, value: (mapping) => `${mapping.BatchSize ?? "–"}${mapping.MaximumBatchingWindowInSeconds ? ` / ${mapping.MaximumBatchingWindowInSeconds} s` : ""}` },
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

async function queueSection(options) {
  const queues = await queueList(options);
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

export async function sourcesView(context) {
  const { signal, user } = context;
  const sections = [
    ["Mappings", () => (background) => mappingTable({ ...context, background })],
    ["Queues", () => user.Services.sqs && ((background) => queueSection({ signal, background })),
      "Requests for SQS are passed on to another server (--aws-endpoint), which the console does not ask."],
    ["Streams", () => user.Services.kinesis && ((background) => streamSection({ signal, background })),
      "Requests for Kinesis are passed on to another server (--aws-endpoint), which the console does not ask."],
  ].map(([title, made, absent]) => ({ title, load: made(), absent, place: h("div", { "aria-label": title }) }));
  const load = async (background) => {
    await Promise.all(sections.map(async ({ load: read, place, absent }) => {
      if (!read) {
        replace(place, empty(absent));
        return;
      }
      try {
        const content = await read(background);
        if (background && place.contains(document.activeElement)) return;
        replace(place, content);
      } catch (error) {
        if (error.name !== "AbortError") replace(place, failure(error));
      }
    }));
  };
  await load(false);
  repeat(every, signal, () => { if (!document.querySelector("dialog[open]")) load(true); });
  return h("div", {}, h("div", { class: "head" }, h("h1", {}, "Sources")),
    sections.map(({ title, place }) => h("section", {}, h("h2", {}, title), place)),
    h("p", { class: "hint" }, `Read anew every ${every / 1_000} seconds.`));
}
