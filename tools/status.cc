// flowstitch-status: one table of what runs, from the figures of one or more processes.
#include <httplib.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/process/command_line.h"
#include "base/process/program.h"
#include "base/process/sandbox.h"
#include "base/utf8_text.h"

namespace {

// One sample's labels, and all samples by name.
using Labels = std::map<std::string, std::string>;
struct Sample {
  Labels labels;
  double value = 0;
};
using Figures = std::multimap<std::string, Sample>;

// Labels of {a="b",c="d"}; values may hold escaped quotes.
Labels ParseLabels(const std::string& text) {
  Labels labels;
  size_t at = 0;
  while (at < text.size()) {
    const size_t equals = text.find("=\"", at);
    if (equals == std::string::npos) break;
    const std::string name = text.substr(at, equals - at);
    std::string value;
    size_t i = equals + 2;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      value += text[i];
    }
    labels[name] = value;
    at = i + 2;  // behind the quote and a comma
  }
  return labels;
}

Figures Parse(const std::string& text) {
  Figures figures;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (const std::string& line : lines) {
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.rfind(' ');
    if (space == std::string::npos) continue;
    Sample sample;
    if (!absl::SimpleAtod(line.substr(space + 1), &sample.value)) continue;
    const size_t brace = line.find('{');
    std::string name = line.substr(0, std::min(brace, space));
    if (brace != std::string::npos && brace < space) {
      sample.labels = ParseLabels(line.substr(brace + 1, line.rfind('}', space) - brace - 1));
    }
    figures.emplace(std::move(name), std::move(sample));
  }
  return figures;
}

std::string WhyNoAnswer(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "nobody listens there (start the process with --metrics)";
    case httplib::Error::Read:
      return "it closed the connection, or said nothing for 3 s";
    case httplib::Error::Write:
      return "it does not take the question";
    default:
      return absl::StrCat("the connection failed (", httplib::to_string(error), ")");
  }
}

// What a process answers at a path; the error is said.
std::optional<std::string> Get(const std::string& address, const char* path) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    std::fprintf(stderr, "flowstitch-status: error: '%s' is no address: write HOST:PORT\n",
                 address.c_str());
    return std::nullopt;
  }
  httplib::Client client(address.substr(0, colon), port);
  client.set_connection_timeout(3);
  client.set_read_timeout(3);
  const auto answer = client.Get(path);
  if (answer && answer->status == 200) return answer->body;
  const std::string why = answer
                              ? absl::StrCat("it answers ", path, " with status ", answer->status,
                                             ": ", flowstitch::ToPrintable(answer->body))
                              : WhyNoAnswer(answer.error());
  std::fprintf(stderr, "flowstitch-status: error: cannot read the figures of '%s': %s\n",
               address.c_str(), why.c_str());
  return std::nullopt;
}

std::optional<Figures> Fetch(const std::string& address) {
  const auto text = Get(address, "/metrics");
  if (!text) return std::nullopt;
  return Parse(*text);
}

// The value of a name where all of `labels` agree; 0 where there is none.
double Value(const Figures& figures, const std::string& name, const Labels& labels) {
  const auto [begin, end] = figures.equal_range("flowstitch_" + name);
  for (auto it = begin; it != end; ++it) {
    bool agrees = true;
    for (const auto& [label, text] : labels) {
      const auto found = it->second.labels.find(label);
      agrees = agrees && found != it->second.labels.end() && found->second == text;
    }
    if (agrees) return it->second.value;
  }
  return 0;
}

std::string Figure(double value) {
  for (const char* unit : {"", "k", "M", "G"}) {
    if (value < 10'000 && value > -10'000) return absl::StrFormat("%.0f%s", value, unit);
    value /= 1000;
  }
  return absl::StrFormat("%.0fT", value);
}

using Row = std::vector<std::string>;

void Print(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      // Names to the left, figures to the right.
      const int width = static_cast<int>(widths[i]);
      absl::StrAppendFormat(&line, "%s%*s", i == 0 ? "" : "  ", i < 2 ? -width : width, row[i]);
    }
    std::printf("%s\n", line.c_str());
  }
}

// Figures of a moment and of a while before, of one process.
struct Pair {
  Figures before;
  Figures now;
  double seconds = 1;

  double Rate(const std::string& name, const Labels& labels) const {
    return (Value(now, name, labels) - Value(before, name, labels)) / seconds;
  }
  double Now(const std::string& name, const Labels& labels) const {
    return Value(now, name, labels);
  }
  // Every set of labels under a name.
  std::vector<Labels> All(const std::string& name) const {
    std::vector<Labels> all;
    const auto [begin, end] = now.equal_range("flowstitch_" + name);
    for (auto it = begin; it != end; ++it) all.push_back(it->second.labels);
    return all;
  }
};

std::string State(const Pair& pair, const Labels& labels) {
  if (pair.Now("source_ended", labels) > 0) return "ended";
  return pair.Now("link_open", labels) > 0 ? "open" : "lost";
}

void AddRows(const Pair& pair, std::vector<Row>* sources, std::vector<Row>* shards,
             std::vector<Row>* sinks) {
  for (const Labels& labels : pair.All("source_lag_seconds")) {
    const Labels source = {{"source", labels.at("source")}};
    sources->push_back({labels.at("source"), State(pair, labels),
                        Figure(pair.Rate("source_frames_received_total", source)),
                        Figure(pair.Now("source_frames_received_total", source)),
                        Figure(pair.Now("source_kernel_dropped_total", source) +
                               pair.Now("source_interface_dropped_total", source)),
                        Figure(pair.Now("source_buffer_dropped_total", source)),
                        Figure(pair.Now("source_duplicate_frames_total", source)),
                        Figure(pair.Now("source_late_frames_total", source)),
                        absl::StrFormat("%.3f", pair.Now("source_lag_seconds", labels)),
                        absl::StrFormat("%+.6f", pair.Now("source_skew_seconds", labels))});
  }
  for (const Labels& labels : pair.All("reassembly_open_flows")) {
    shards->push_back({labels.at("shard"), "",
                       Figure(pair.Rate("reassembly_segments_total", labels)),
                       Figure(pair.Rate("reassembly_delivered_bytes_total", labels)),
                       Figure(pair.Now("reassembly_open_flows", labels)),
                       Figure(pair.Now("reassembly_flows_opened_total", labels)),
                       Figure(pair.Now("reassembly_gap_bytes_total", labels)),
                       Figure(pair.Now("reassembly_waiting_bytes", labels)),
                       Figure(pair.Now("refused_connections_total", labels) +
                              pair.Now("refused_peers_total", labels))});
  }
  for (const Labels& labels : pair.All("link_credit_bytes")) {
    if (labels.count("sink") == 0) continue;
    sinks->push_back({labels.at("sink"), pair.Now("link_open", labels) > 0 ? "open" : "lost",
                      labels.at("shard"),
                      Figure(pair.Rate("link_acknowledged_batches_total", labels)),
                      Figure(pair.Now("link_acknowledged_batches_total", labels)),
                      Figure(pair.Now("link_buffered_bytes", labels)),
                      Figure(pair.Now("link_credit_bytes", labels)),
                      Figure(pair.Now("link_resent_messages_total", labels))});
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Prints the sources, shards and sinks of running reassemblers, with rates over a moment. The "
      "addresses are those of their --metrics.",
      "flowstitch-status");
  std::vector<std::string> addresses;
  double seconds = 1;
  app.add_option("address", addresses, "Where a process gives its figures; several are one table.")
      ->required()
      ->type_name("HOST:PORT");
  app.add_option("--interval", seconds, "Take the rates over so many seconds.")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  bool health = false;
  app.add_flag("--health", health,
               "Only say whether all of them are well (/healthz), by the exit status too.");
  if (const auto status = flowstitch::ParseCommandLine(app, argc, argv)) return *status;
  flowstitch::SetUpLog("flowstitch-status", false);
  flowstitch::Confine({});
  if (health) {
    for (const std::string& address : addresses) {
      if (!Get(address, "/healthz")) return 1;
    }
    std::printf("ok\n");
    return 0;
  }
  std::vector<Pair> pairs;
  const auto began = std::chrono::steady_clock::now();
  for (const std::string& address : addresses) {
    auto figures = Fetch(address);
    if (!figures) return 1;
    pairs.push_back({*std::move(figures), {}});
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  std::vector<Row> sources = {{"SOURCE", "LINK", "frames/s", "frames", "kernel drops",
                               "buffer drops", "duplicates", "late", "lag s", "skew s"}};
  std::vector<Row> shards = {{"SHARD", "", "segments/s", "bytes/s", "open flows", "flows",
                              "gap bytes", "waiting bytes", "refused"}};
  std::vector<Row> sinks = {
      {"SINK", "LINK", "shard", "batches/s", "batches", "kept bytes", "credit bytes", "resent"}};
  for (size_t i = 0; i < pairs.size(); ++i) {
    auto figures = Fetch(addresses[i]);
    if (!figures) return 1;
    pairs[i].now = *std::move(figures);
    pairs[i].seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    AddRows(pairs[i], &sources, &shards, &sinks);
  }
  Print(sources);
  std::printf("\n");
  Print(shards);
  std::printf("\n");
  Print(sinks);
  return 0;
}
