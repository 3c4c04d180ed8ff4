/** A directed graph, laid out from left to right, moved and zoomed by hand. The same is said as a list to readers of screens. */
import "@xyflow/react/dist/style.css";
import { graphlib, layout } from "@dagrejs/dagre";
import { useComputedColorScheme, VisuallyHidden } from "@mantine/core";
import {
  Background,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
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
  /** From the top to the bottom instead, as an organisation is drawn. */
  down?: boolean;
}

const SIZE = { width: 190, height: 64 };

type Box = Node<{ node: GraphNode; down: boolean }, "box">;

export default function Graph({ label, nodes, edges, onOpen, selected, down = false }: Props): ReactElement {
  const scheme = useComputedColorScheme("light");
  const placed = useMemo(() => place(nodes, edges, down), [nodes, edges, down]);
  const boxes = placed.map((box) => ({ ...box, selected: box.id === selected }));
  const lines = edges.map((edge) => ({
    id: `${edge.from}→${edge.to}→${edge.label ?? ""}`,
    source: edge.from,
    target: edge.to,
    label: edge.label,
    animated: edge.active ?? false,
    markerEnd: { type: MarkerType.ArrowClosed },
  }));
  return (
    <figure className={classes.graph} style={{ margin: 0 }} aria-label={label}>
      <VisuallyHidden component="ul">
        {nodes.map((node) => (
          <li key={node.id}>
            {node.label} {node.note}
          </li>
        ))}
      </VisuallyHidden>
      <ReactFlow
        nodes={boxes}
        edges={lines}
        nodeTypes={NODE_TYPES}
        colorMode={scheme}
        fitView
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

/** Sugiyama's layered drawing, by dagre. */
function place(nodes: readonly GraphNode[], edges: readonly GraphEdge[], down: boolean): Box[] {
  const drawn = new graphlib.Graph({ multigraph: true }).setGraph({
    rankdir: down ? "TB" : "LR",
    nodesep: 28,
    ranksep: 64,
  });
  for (const node of nodes) drawn.setNode(node.id, { ...SIZE });
  for (const edge of edges) drawn.setEdge(edge.from, edge.to, {}, edge.label ?? "");
  layout(drawn);
  return nodes.map((node) => {
    const { x, y } = drawn.node(node.id) as { x: number; y: number };
    const position = { x: x - SIZE.width / 2, y: y - SIZE.height / 2 };
    return { id: node.id, type: "box", position, data: { node, down }, ...SIZE, ariaLabel: node.label };
  });
}
