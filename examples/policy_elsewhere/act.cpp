// Copyright 2026 her_ros maintainers
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// Runs a policy of her_ros with ONNX Runtime's C++ API, without her_ros, Python and ROS.
//
// Each line of the standard input is a state: the numbers of observation, achieved goal and desired
// goal, in this order. Each line of the output is the action for it, within -1 and 1:
//
//   act policy.onnx < states.txt

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr char kKey[] = "her_ros.contract";
constexpr int kFormat = 1;
constexpr std::array<const char *, 3> kInputs = {"observation", "achieved_goal", "desired_goal"};
constexpr const char *kOutput = "action";

// Returns the value of a key of a JSON object on its top level, as text. The contract is written by
// her_ros; use a JSON library for anything else.
std::string valueOf(const std::string &json, const std::string &key) {
  const std::string quoted = '"' + key + "\": ";
  const auto found = json.find(quoted);
  if (found == std::string::npos) throw std::runtime_error("the contract has no " + key);
  const auto begin = found + quoted.size();
  return json.substr(begin, json.find_first_of(",}", begin) - begin);
}

// Returns the contract in the model's metadata: task, sizes, control period, origin.
std::string readContract(const Ort::Session &session) {
  Ort::AllocatorWithDefaultOptions allocator;
  const auto text = session.GetModelMetadata().LookupCustomMetadataMapAllocated(kKey, allocator);
  if (!text) throw std::runtime_error(std::string("the model has no ") + kKey);
  const std::string contract = text.get();
  if (std::stoi(valueOf(contract, "format")) != kFormat)
    throw std::runtime_error("the contract has a format that this program does not know");
  return contract;
}

// Returns the number of values of an input of the graph, whose shape is (n, size).
std::int64_t sizeOf(const Ort::Session &session, const std::string &name) {
  Ort::AllocatorWithDefaultOptions allocator;
  for (std::size_t i = 0; i < session.GetInputCount(); ++i)
    if (name == session.GetInputNameAllocated(i, allocator).get())
      return session.GetInputTypeInfo(i).GetTensorTypeAndShapeInfo().GetShape().at(1);
  throw std::runtime_error("the model has no input " + name);
}

std::vector<float> act(Ort::Session &session, std::vector<float> state,
                       const std::array<std::int64_t, 3> &sizes) {
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  std::vector<Ort::Value> inputs;
  float *begin = state.data();
  for (const auto size : sizes) {
    const std::array<std::int64_t, 2> shape = {1, size};
    inputs.push_back(Ort::Value::CreateTensor<float>(memory, begin, static_cast<std::size_t>(size),
                                                     shape.data(), shape.size()));
    begin += size;
  }
  const auto outputs = session.Run(Ort::RunOptions{nullptr}, kInputs.data(), inputs.data(),
                                   inputs.size(), &kOutput, 1);
  const float *action = outputs.at(0).GetTensorData<float>();
  return {action, action + outputs.at(0).GetTensorTypeAndShapeInfo().GetElementCount()};
}

void run(const char *model) {
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "her_ros");
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  Ort::Session session(env, model, options);
  const auto contract = readContract(session);
  const std::array<std::int64_t, 3> sizes = {
      sizeOf(session, kInputs[0]), sizeOf(session, kInputs[1]), sizeOf(session, kInputs[2])};
  const auto total = static_cast<std::size_t>(sizes[0] + sizes[1] + sizes[2]);
  const float low = std::stof(valueOf(contract, "action_low"));
  const float high = std::stof(valueOf(contract, "action_high"));
  std::cerr << valueOf(contract, "task") << ", version " << valueOf(contract, "version") << ": "
            << total << " numbers per state, an action every "
            << valueOf(contract, "control_period_s") << " s\n";
  std::cout << std::setprecision(std::numeric_limits<float>::max_digits10);
  std::string line;
  for (int number = 1; std::getline(std::cin, line); ++number) {
    std::istringstream words(line);
    std::vector<float> state;
    for (float value; words >> value;) state.push_back(value);
    const bool finite = std::all_of(state.begin(), state.end(), [](float x) { return std::isfinite(x); });
    if (state.size() != total || !words.eof() || !finite)
      throw std::runtime_error("line " + std::to_string(number) + ": expected " +
                               std::to_string(total) + " finite numbers");
    const char *space = "";
    for (const float value : act(session, std::move(state), sizes)) {
      std::cout << space << std::clamp(value, low, high);
      space = " ";
    }
    std::cout << std::endl;
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: act policy.onnx < states.txt\n";
    return 2;
  }
  try {
    run(argv[1]);
  } catch (const std::exception &error) {
    std::cerr << "act: " << error.what() << '\n';
    return 1;
  }
}
