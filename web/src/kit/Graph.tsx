/** A directed graph, laid out from left to right, moved and zoomed by hand. The same is said as a list to readers of screens. */
import "@xyflow/react/dist/style.css";
import { graphlib, layout } from "@dagrejs/dagre";
import { useComputedColorScheme, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import {
  Background,
  BaseEdge,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Edge,
  type EdgeProps,
  type Node,
  type NodeProps,
} from "@xyflow/react";
import { useMemo, type ReactElement, type ReactNode } from "react";
import { Foreign } from "./Foreign";
import graph from "./graph.module.css";
import classes from "./kit.module.css";

/** How a node stands; each has its own colour and is said in words beside it. */
export type Tone = "plain" | "active" | "good" | "warning" | "bad" | "quiet";

export interface GraphNode {
  id: string;
  label: string;
  /** A second line: a kind, a duration, an agent. */
  note?: ReactNode;
  tone?: Tone;
  /** A bar at the foot: parts of the whole width, each between 0 and 1, in their order. */
  bar?: readonly { tone: Tone; part: number }[];
}

export interface GraphEdge {
  from: string;
  to: string;
  label?: string;
  active?: boolean;
}

interface Props {
  label: string;
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
  onOpen?: (id: string) => void;
  selected?: string;
  /** From the top to the bottom instead, as always on a narrow screen. */
  down?: boolean;
}

const SIZE = { width: 190, height: 64 };
const READABLE = 0.4; // what is smaller is moved rather than seen as a whole
const [LOWEST, HIGHEST, MARGIN] = [190, 480, 90];

type Box = Node<{ node: GraphNode; down: boolean }, "box">;
type Point = { x: number; y: number };
type Line = Edge<{ points: Point[]; labelX: number; labelY: number }, "line">;

export default function Graph({ label, nodes, edges, onOpen, selected, down = false }: Props): ReactElement {
  const scheme = useComputedColorScheme("light");
  const falls = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false }) || down;
  const placed = useMemo(() => place(nodes, edges, falls), [nodes, edges, falls]);
  const boxes = placed.boxes.map((box) => ({ ...box, selected: box.id === selected }));
  return (
    <figure className={classes.graph} style={{ margin: 0, height: placed.height }} aria-label={label}>
      <VisuallyHidden component="ul">
        {nodes.map((node) => (
          <li key={node.id}>
            {node.label} {node.note}
          </li>
        ))}
      </VisuallyHidden>
      <ReactFlow
        nodes={boxes}
        edges={placed.lines}
        key={String(falls)}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        colorMode={scheme}
        fitView
        fitViewOptions={{ padding: 0.08, minZoom: READABLE, maxZoom: 1 }}
        minZoom={0.1}
        maxZoom={1.6}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        nodesFocusable={onOpen !== undefined}
        onNodeClick={(_, node) => onOpen?.(node.id)}
        proOptions={{ hideAttribution: true }}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </figure>
  );
}

const NODE_TYPES = { box: BoxNode };
const EDGE_TYPES = { line: LineEdge };

function BoxNode({ data, selected }: NodeProps<Box>): ReactElement {
  return (
    <div className={graph.box} data-tone={data.node.tone ?? "plain"} data-selected={selected || undefined} style={SIZE}>
      <Handle type="target" position={data.down ? Position.Top : Position.Left} className={graph.handle} />
      <strong className={graph.label}>
        <Foreign text={data.node.label} line first={80} />
      </strong>
      {data.node.note !== undefined && <span className={graph.note}>{data.node.note}</span>}
      {data.node.bar !== undefined && (
        <span className={graph.bar} aria-hidden="true">
          {data.node.bar.map((one) => (
            <span key={one.tone} data-tone={one.tone} style={{ width: `${one.part * 100}%` }} />
          ))}
        </span>
      )}
      <Handle type="source" position={data.down ? Position.Bottom : Position.Right} className={graph.handle} />
    </div>
  );
}

function LineEdge({ id, data, label, markerEnd }: EdgeProps<Line>): ReactElement {
  const points = data?.points ?? [];
  return (
    <BaseEdge
      id={id}
      path={through(points)}
      markerEnd={markerEnd}
      label={label}
      labelX={data?.labelX}
      labelY={data?.labelY}
      labelBgPadding={[4, 2]}
      labelBgBorderRadius={4}
    />
  );
}

/** A smooth line through points: from the middle of one piece to that of the next, bent at the point between. */
function through(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return "";
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? last;
    return `Q ${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return [`M ${first.x} ${first.y}`, ...bends, `L ${last.x} ${last.y}`].join(" ");
}

interface Placed {
  boxes: Box[];
  lines: Line[];
  /** How high the picture is, in pixels. */
  height: number;
}

/** Sugiyama's layered drawing, by dagre. */
function place(nodes: readonly GraphNode[], edges: readonly GraphEdge[], down: boolean): Placed {
  const drawn = new graphlib.Graph({ multigraph: true }).setGraph({
    rankdir: down ? "TB" : "LR",
    nodesep: 28,
    ranksep: 56,
  });
  for (const node of nodes) drawn.setNode(node.id, { ...SIZE });
  for (const edge of edges) drawn.setEdge(edge.from, edge.to, labelSize(edge.label), nameOf(edge));
  layout(drawn);
  const boxes = nodes.map((node): Box => {
    const { x, y } = drawn.node(node.id) as Point;
    const position = { x: x - SIZE.width / 2, y: y - SIZE.height / 2 };
    return { id: node.id, type: "box", position, data: { node, down }, ...SIZE, ariaLabel: node.label };
  });
  const lines = edges.map((edge): Line => {
    const found = drawn.edge(edge.from, edge.to, nameOf(edge)) as Partial<Point> & { points: Point[] };
    return {
      id: `${edge.from}→${edge.to}${nameOf(edge)}`,
      type: "line",
      source: edge.from,
      target: edge.to,
      label: edge.label,
      animated: edge.active ?? false,
      markerEnd: { type: MarkerType.ArrowClosed },
      data: { points: found.points, labelX: found.x ?? 0, labelY: found.y ?? 0 },
    };
  });
  const bottom = Math.max(0, ...boxes.map((box) => box.position.y + SIZE.height));
  return { boxes, lines, height: Math.min(HIGHEST, Math.max(LOWEST, bottom + MARGIN)) };
}

/** An edge of an empty name is not found again. */
function nameOf(edge: GraphEdge): string {
  return edge.label || "→";
}

function labelSize(label: string | undefined): { width?: number; height?: number; labelpos?: string } {
  return label ? { width: label.length * 6 + 12, height: 16, labelpos: "c" } : {};
}
