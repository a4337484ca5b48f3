// The report, the console, and how a batch is divided among workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "sinks/batch_dispatcher.h"
#include "sinks/records/dfxml/flow_element.h"
#include "sinks/records/dfxml/report_writer.h"
#include "sinks/records/dfxml/xml_text.h"
#include "sinks/writers/console/console_writer.h"
#include "tests/support/sink_flows.h"
#include "tests/support/temporary_directory.h"

namespace flowstitch {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace flowstitch::testing;

TEST(XmlText, WhatXmlDoesNotAllowBecomesAQuestionMark) {
  EXPECT_EQ(ValidXmlText("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(ValidXmlText(std::string("a\0b\x01\xff\xc3", 6)), "a?b???");
  EXPECT_EQ(ValidXmlText("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(ValidXmlText("\xc1\x81\xe0\x81\x81\xf0\x80\x80\xbc"), "?????????")
      << "longer than needed";
  EXPECT_EQ(ValidXmlText("\xef\xbf\xbf\xf0\x9f\x98\x80"), "???\xf0\x9f\x98\x80");
}

TEST(FlowElement, CarriesTcpflowsAttributesGapsBodiesAndDigests) {
  auto flow = MakeSinkFlow(5);
  SinkStream& stream = flow->streams[1];
  stream.path = "out/<name>&";
  stream.length = stream.bytes = 123;
  FlowRecord record(flow.get());
  FlowRecord::Stream& found = record.streams[1];
  found.file = {stream.path, 123, true, {{"MD5", "00ff"}}};
  found.gaps.push_back({10, 20, GapReason::kAcknowledged});
  BodyRecord body;
  body.path = "out/body.html";
  body.bytes = 7;
  body.stream_offset = 50;
  body.stream_bytes = 6;
  body.complete = true;
  found.bodies.push_back(body);
  stream.summary.packets = 9;
  stream.summary.wire_bytes = 999;
  stream.summary.captured_bytes = 999;
  std::string xml;
  AppendFlowElements(record, ReportForm::kDfxml, &xml);
  EXPECT_THAT(xml, HasSubstr("<filename>out/&lt;name&gt;&amp;</filename>"));
  EXPECT_THAT(
      xml,
      HasSubstr(
          "<byte_run file_offset=\"10\" len=\"20\" fill=\"0\" flowstitch:gap=\"acknowledged\"/>"));
  EXPECT_THAT(xml, HasSubstr("<hashdigest type=\"MD5\">00ff</hashdigest>"));
  EXPECT_THAT(xml, HasSubstr("startime=\"2008-10-06T16:14:54.001500Z\""));
  EXPECT_THAT(xml, HasSubstr("family=\"2\" src_ipn=\"192.168.1.200\" dst_ipn=\"10.0.0.1\" "
                             "srcport=\"80\" dstport=\"40000\" packets=\"9\""));
  EXPECT_THAT(xml, HasSubstr("flowstitch:body=\"out/body.html\""));
  EXPECT_THAT(xml, Not(HasSubstr("caplen")));
  EXPECT_LT(xml.find("client_to_server"), xml.find("server_to_client"));
}

TEST(FlowElement, TakesEveryTimeAndWhateverCallsItselfAMac) {
  auto flow = MakeSinkFlow(5);
  flow->client_mac = std::string("\x02\0\0\0\0\xfe", 6);
  flow->server_mac = "\x0a\xff\x10";  // a reassembler's mistake
  StreamSummary& summary = flow->streams[kClientToServer].summary;
  summary.packets = 1;
  summary.first_time_ns = kTimeMin;
  summary.last_time_ns = kTimeMax;
  std::string xml;
  AppendFlowElements(FlowRecord(flow.get()), ReportForm::kDfxml, &xml);
  EXPECT_THAT(xml, HasSubstr("startime=\"1677-09-21T00:12:43.145224192Z\" "
                             "endtime=\"2262-04-11T23:47:16.854775807Z\" "
                             "mac_daddr=\"0a:ff:10\" mac_saddr=\"02:00:00:00:00:fe\""));
  xml.clear();
  AppendFlowElements(FlowRecord(flow.get()), ReportForm::kTcpflow, &xml);
  EXPECT_THAT(xml, HasSubstr("endtime=\"2262-04-11T23:47:16.854775Z\""));
}

TEST(ReportWriter, FlowsStandInOrderWhicheverThreadComesFirst) {
  std::string wanted;
  for (int i = 0; i < 100; ++i) {
    if (i != 50) wanted += "<x>" + std::to_string(i) + "</x>\n";
  }
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TemporaryDirectory directory;
    ReportWriter report;
    ASSERT_TRUE(report.Open({.path = directory.path() + "/report.xml"}).ok());
    EXPECT_EQ(directory.Files().count("report.xml"), 0u) << "no final name before it is complete";
    std::vector<uint64_t> order(100);
    for (uint64_t i = 0; i < order.size(); ++i) order[i] = i;
    std::mt19937_64 random(seed);
    std::shuffle(order.begin(), order.end(), random);
    // Some come together, one has no elements, and the last three never closed.
    for (size_t i = 0; i < order.size();) {
      ClosedFlows flows;
      for (size_t n = random() % 8; n > 0 && i < order.size(); --n, ++i) {
        const bool closed = order[i] < 97;
        if (order[i] != 50) flows.text += "<x>" + std::to_string(order[i]) + "</x>\n";
        flows.flows.push_back(
            {closed ? order[i] : (uint64_t{1} << 63) + order[i], flows.text.size()});
      }
      report.Add(std::move(flows));
    }
    ASSERT_TRUE(report.Finish({}).ok());
    const std::string text = directory.Files().at("report.xml");
    const std::string flows = text.substr(text.find("<x>"), text.rfind("</x>") - text.find("<x>"));
    EXPECT_EQ(flows + "</x>\n", wanted);
  }
}

TEST(ReportWriter, ADirectoryThatIsNotThereIsNamed) {
  ReportWriter report;
  const auto status = report.Open({.path = "/proc/no/report.xml"});
  EXPECT_THAT(std::string(status.message()), HasSubstr("/proc/no"));
}

std::string Printed(const ConsoleOptions& form, const std::string& bytes) {
  char* text = nullptr;
  size_t size = 0;
  ConsoleOptions options = form;
  options.out = open_memstream(&text, &size);
  {
    StreamNames names(".", *NameTemplate::Parse(kDefaultNameTemplate));
    ConsoleWriter writer(options, 0, &names);
    auto flow = MakeSinkFlow(0);
    flow->streams[0].path = "NAME";
    BatchHold hold;
    Give(writer, *flow, kClientToServer, 0, bytes, &hold);
  }
  std::fclose(options.out);
  const std::string result(text, size);
  free(text);
  return result;
}

TEST(Console, FormsAreTcpflows) {
  EXPECT_EQ(Printed({}, "a\tb\r\n\x01"), "NAME: a.b\r\n.\n");
  EXPECT_EQ(Printed({.header = false}, "x"), "x\n");
  EXPECT_EQ(Printed({.newline = false}, "x"), "NAME: x");
  EXPECT_EQ(Printed({.header = false, .binary = true}, std::string("\0\xff", 2)),
            std::string("\0\xff\n", 3));
  EXPECT_EQ(Printed({.max_bytes = 2}, "abc"), "NAME: ab\n");
  const std::string dump = HexDump(AsBytes("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"));
  EXPECT_THAT(dump, HasSubstr("0000: 4745 5420 2f20 4854"));
  EXPECT_THAT(dump, HasSubstr(" GET / HTTP/1.1..Host: example.or\n"));
  EXPECT_THAT(dump, HasSubstr("0020: 670d 0a0d 0a"));
}

TEST(Console, ADumpSaysWhereItIsInItsStream) {
  EXPECT_EQ(HexDump(AsBytes("ab"), 0x1'2345'6789), "123456789: 6162  ab\n");
  EXPECT_EQ(Printed({.hex = true, .places = true}, "ab"),
            "NAME: 2008-10-06T16:14:54Z, client to server, offset 0\n00000000: 6162  ab\n\n")
      << "date -u -d @1223309694";
  EXPECT_EQ(Printed({.header = false, .hex = true, .places = true}, "ab"),
            "00000000: 6162  ab\n\n");
}

TEST(Console, PayloadInJsonHasTheFormThatWasChosen) {
  const std::string bytes = "\xff\x01?";
  EXPECT_THAT(Printed({.json = true}, bytes), HasSubstr("\"payload\": [255,1,63],"));
  EXPECT_THAT(Printed({.json = true, .payload = PayloadForm::kHex}, bytes),
              HasSubstr("\"payload_hex\": \"ff013f\","));
  EXPECT_THAT(Printed({.json = true, .payload = PayloadForm::kBase64}, bytes),
              HasSubstr("\"payload_base64\": \"/wE/\","));
}

TEST(Console, CharactersAreShownWhereTheTerminalHasThem) {
  const ConsoleOptions shown = {.header = false, .utf8 = true, .newline = false};
  EXPECT_EQ(Printed(shown, "gr\u00fc\u00dfe \u4f60\u597d \U0001F600\r\n"),
            "gr\u00fc\u00dfe \u4f60\u597d \U0001F600\r\n");
  EXPECT_EQ(Printed({.header = false, .newline = false}, "\u00fc"), "..");
  // What steers a terminal, turns text round or cannot be seen: a dot a byte.
  for (const char* hidden : {"\u0085", "\u009b", "\u00ad", "\u200b", "\u202e", "\u2066", "\ufeff",
                             "\ue000", "\U000e0041", "\x1b", "\x7f", "\xc3", "\xed\xa0\x80"}) {
    EXPECT_EQ(Printed(shown, hidden), std::string(std::string(hidden).size(), '.')) << hidden;
  }
}

// The batch with so many bytes of payload, as a link delivers it.
std::unique_ptr<Delivery> Delivered(wire::StreamBatch batch, uint64_t payload) {
  batch.set_payload(std::string(payload, 'x'));
  wire::LinkMessage message;
  *message.mutable_streams() = std::move(batch);
  const std::string bytes = message.SerializeAsString();
  return std::make_unique<Delivery>(zmq::message_t(bytes.data(), bytes.size()));
}

// The same, handed over within the process.
std::unique_ptr<Delivery> HandedOver(const wire::StreamBatch& batch, const std::string& bytes) {
  auto handed = std::make_shared<HandedBatch>();
  *handed->message->mutable_streams() = batch;
  size_t at = 0;
  for (const wire::StreamEvent& event : batch.events()) {
    if (!event.has_bytes() || event.bytes().length() == 0) continue;
    handed->payload.push_back(AsBytes(bytes).subspan(at, event.bytes().length()));
    at += event.bytes().length();
  }
  return std::make_unique<Delivery>(std::move(handed));
}

TEST(BatchDispatcher, EveryEventGoesToOneWorkerOfOneShardAndFlowsStayTogether) {
  wire::StreamBatch batch;
  std::mt19937_64 random(1);
  uint64_t payload = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t flow = random() % 5000;
    if (i % 3 == 0) {
      batch.add_events()->mutable_closed()->set_flow(flow);
    } else {
      auto* bytes = batch.add_events()->mutable_bytes();
      bytes->set_flow(flow);
      bytes->set_length(static_cast<uint32_t>(random() % 100));
      payload += bytes->length();
    }
  }
  std::vector<int> seen(1000, 0);
  for (uint32_t shard = 0; shard < 3; ++shard) {
    BatchDispatcher dispatcher(shard, 3, 4);
    std::vector<std::vector<EventRef>> lists;
    const auto delivery = Delivered(batch, payload);
    ASSERT_TRUE(dispatcher.Split(*delivery, &lists));
    uint64_t closes = 0;
    for (const auto& list : lists) {
      for (const EventRef& ref : list) {
        ++seen[ref.event];
        if (batch.events(static_cast<int>(ref.event)).has_closed()) ++closes;
      }
    }
    std::vector<bool> orders(closes, false);
    for (const auto& list : lists) {
      for (const EventRef& ref : list) {
        if (batch.events(static_cast<int>(ref.event)).has_closed()) orders[ref.close_order] = true;
      }
    }
    EXPECT_THAT(orders, ::testing::Each(true));
  }
  EXPECT_THAT(seen, ::testing::Each(1));
  BatchDispatcher dispatcher(0, 1, 1);
  std::vector<std::vector<EventRef>> lists;
  EXPECT_FALSE(dispatcher.Split(*Delivered(batch, payload - 1), &lists));
  EXPECT_FALSE(dispatcher.Split(*Delivered(batch, payload + 1), &lists));
  const std::string bytes(payload, 'x');
  EXPECT_TRUE(dispatcher.Split(*HandedOver(batch, bytes), &lists));
  uint64_t given = 0;
  for (const EventRef& ref : lists[0]) given += ref.payload.size();
  EXPECT_EQ(given, payload);
  // More events than pieces, or a piece of another length.
  const auto handed = HandedOver(batch, bytes);
  auto* more = batch.add_events()->mutable_bytes();
  more->set_length(1);
  const auto& pieces = *handed->pieces();
  EXPECT_FALSE(pieces.empty());
  auto too_few = std::make_shared<HandedBatch>();
  *too_few->message->mutable_streams() = batch;
  too_few->payload = pieces;
  EXPECT_FALSE(dispatcher.Split(Delivery(too_few), &lists));
  too_few->payload.push_back(AsBytes(bytes).first(2));
  EXPECT_FALSE(dispatcher.Split(Delivery(too_few), &lists));
  too_few->payload.back() = AsBytes(bytes).first(1);
  EXPECT_TRUE(dispatcher.Split(Delivery(too_few), &lists));
}

}  // namespace
}  // namespace flowstitch
