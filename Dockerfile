# her_ros with ROS 2 from the wheels of requirements.txt. Two targets:
#   docker build --target train -t her_ros:train .
#   docker build --target deploy -t her_ros:deploy .
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/her_ros
COPY requirements.txt ./
# The CPU build of torch: a tenth of the size of the CUDA build. For a GPU, leave this line out.
RUN /opt/her_ros/bin/pip install --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' requirements.txt)"
RUN /opt/her_ros/bin/pip install -r requirements.txt
COPY . .
RUN /opt/her_ros/bin/pip install --no-deps .

FROM python:3.12-slim-bookworm AS train
RUN useradd --create-home --uid 1000 her \
    && mkdir /runs \
    && chown her /runs
COPY --from=build /opt/her_ros /opt/her_ros
ENV PATH=/opt/her_ros/bin:$PATH PYTHONUNBUFFERED=1
USER 1000
WORKDIR /runs
VOLUME /runs
ENTRYPOINT ["her-ros"]
CMD ["train", "--runs", "/runs"]

# What the policy node does not import; with it goes most of what other commands need.
FROM build AS slim
RUN /opt/her_ros/bin/pip uninstall --yes torch onnx mujoco mujoco-menagerie gymnasium gymnasium-robotics \
    tensorboard matplotlib Jinja2 pillow typer rich rosbags mcap lz4 zstandard

FROM python:3.12-slim-bookworm AS deploy
RUN useradd --create-home --uid 1000 her
COPY --from=slim /opt/her_ros /opt/her_ros
ENV PATH=/opt/her_ros/bin:$PATH PYTHONUNBUFFERED=1
USER 1000
WORKDIR /home/her
ENTRYPOINT ["python", "-P", "-m", "her_ros.nodes.policy", "--ros-args"]
CMD ["-r", "__ns:=/robot", "-p", "model:=/model/policy.onnx"]
