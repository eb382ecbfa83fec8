# SPDX-License-Identifier: Apache-2.0
"""Node.js functions in their sandbox, with the bootstrap that the server carries."""

import base64
import json
import subprocess

SOURCE = """
exports.h = async (event, context) => {
  console.warn('seen', event);
  if (event.fail) throw new RangeError('asked to');
  return [context.functionName, require.main.filename, typeof awslambda.streamifyResponse];
};
exports.s = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('application/json');
  stream.write('[1,');
  await new Promise((resolve) => setTimeout(resolve, 20));
  stream.end('2]');
});
"""


def runtime():
    """The machine's own Node.js, which Scripts/setup.sh installs."""
    major = subprocess.run(["node", "-p", "parseInt(process.versions.node)"], capture_output=True, text=True, check=True)
    return "nodejs%s.x" % major.stdout.strip()


def test_results_errors_and_logs(server, name):
    server.deploy(name, {"app.js": SOURCE}, Runtime=runtime(), Handler="app.h")
    expected = [name, "/var/rapid/nodejs/index.cjs", "function"]
    assert server.invoke(name, {}) == expected
    assert server.invoke(name, {}) == expected
    answer = server.client().invoke(FunctionName=name, Payload=b'{"fail": 1}', LogType="Tail")
    payload = json.loads(answer["Payload"].read())
    assert (payload["errorType"], payload["errorMessage"]) == ("RangeError", "asked to")
    assert payload["trace"][0] == "RangeError: asked to"
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "\tWARN\tseen { fail: 1 }" in tail
    assert '\tERROR\tInvoke Error \t{"errorType":"RangeError"' in tail


def test_a_streamed_response(server, name):
    server.deploy(name, {"app.js": SOURCE}, Runtime=runtime(), Handler="app.s")
    assert server.invoke(name) == [1, 2]
    assert server.invoke(name) == [1, 2]
