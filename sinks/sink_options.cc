#include "sinks/sink_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace flowstitch {

void AddSinkFlags(CLI::App& app, SinkOptions* o) {
  app.add_option("--reassembler", o->reassembler,
                 "Where the reassembler gives streams; '@' in front binds instead of connecting.")
      ->type_name("ENDPOINT")
      ->capture_default_str();
  app.add_option("--name", o->name,
                 "This sink's name, unique among the sinks of a reassembler; one that is started "
                 "again under it goes on where it stood (default: the machine's name and shard).")
      ->type_name("NAME");
  app.add_option("-o,--output", o->directory, "Directory for everything that is written.")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_flag("--files", o->files, "Write flow files: one file for each direction of a flow.");
  app.add_flag("--http", o->http, "Write the bodies of HTTP messages.");
  app.add_flag("--dfxml", o->dfxml, "Write a DFXML report.");
  app.add_flag("--console", o->console, "Print streams on standard output.");
  app.add_flag("--no-header{false}", o->console_form.header, "Console: no name before each piece.");
  app.add_flag("--binary", o->console_form.binary, "Console: bytes as they are.");
  app.add_flag("--hex", o->console_form.hex, "Console: a hex dump.");
  app.add_flag("--no-newline{false}", o->console_form.newline,
               "Console: no new line after each piece.");
  app.add_option("--report", o->report_path,
                 "The report's path (default: report.xml in the directory).")
      ->type_name("FILE");
  app.add_flag("--md5", o->digests.md5, "MD5 of files and bodies in the report.");
  app.add_flag("--sha1", o->digests.sha1, "SHA-1 of files and bodies in the report.");
  app.add_flag("--sha256", o->digests.sha256, "SHA-256 of files and bodies in the report.");
  app.add_option("-T,--template", o->name_template, "Template of file names.")
      ->type_name("TEMPLATE")
      ->capture_default_str();
  app.add_option("-F,--format", o->format_letters,
                 "Letters that change the template: t or T put the time in front, k, m or g make "
                 "directories.")
      ->type_name("LETTERS");
  app.add_option("-b,--max-bytes", o->max_bytes,
                 "Write at most so many bytes of a stream; -1: all.")
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--workers", o->workers, "Threads that write; 0: by the number of cores.")
      ->type_name("N")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("-f,--max-descriptors", o->max_descriptors,
                 "Files that are open at a time; 0: as many as the system allows.")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  app.add_option("--shard", o->shard, "Take the k-th of n shares of the flows, counted from 0.")
      ->type_name("K/N")
      ->check([](const std::string& text) {
        uint32_t k = 0;
        uint32_t n = 0;
        return ParseShard(text, &k, &n) ? "" : "must be k/n with k below n";
      })
      ->capture_default_str();
  app.add_option("--window", o->window_bytes, "Bytes taken from the reassembler in advance.")
      ->type_name("BYTES")
      ->check(CLI::Range(size_t{1} << 16, size_t{1} << 40))
      ->capture_default_str();
  app.add_option("--command-line", o->command_line, "What the report says was typed.")
      ->type_name("TEXT");
  app.add_flag("--summary", o->summary, "Print a short ledger on standard error at the end.");
}

std::vector<std::string> SinkArguments(const SinkOptions& o) {
  std::vector<std::string> arguments = {"--reassembler",
                                        o.reassembler,
                                        "--name",
                                        o.name,
                                        "-o",
                                        o.directory,
                                        "-T",
                                        o.name_template,
                                        "-b",
                                        absl::StrCat(o.max_bytes),
                                        "--workers",
                                        absl::StrCat(o.workers),
                                        "-f",
                                        absl::StrCat(o.max_descriptors),
                                        "--shard",
                                        o.shard,
                                        "--window",
                                        absl::StrCat(o.window_bytes)};
  const auto flag = [&arguments](bool on, const char* name) {
    if (on) arguments.push_back(name);
  };
  flag(o.files, "--files");
  flag(o.http, "--http");
  flag(o.dfxml, "--dfxml");
  flag(o.console, "--console");
  flag(!o.console_form.header, "--no-header");
  flag(o.console_form.binary, "--binary");
  flag(o.console_form.hex, "--hex");
  flag(!o.console_form.newline, "--no-newline");
  flag(o.digests.md5, "--md5");
  flag(o.digests.sha1, "--sha1");
  flag(o.digests.sha256, "--sha256");
  flag(o.summary, "--summary");
  const auto option = [&arguments](const std::string& value, const char* name) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  option(o.report_path, "--report");
  option(o.format_letters, "-F");
  option(o.command_line, "--command-line");
  return arguments;
}

bool ParseShard(const std::string& text, uint32_t* shard, uint32_t* shards) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], shard) &&
         absl::SimpleAtoi(parts[1], shards) && *shard < *shards && *shards <= 256;
}

}  // namespace flowstitch
